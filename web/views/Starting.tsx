// The layout to come without its words, while the browser opens its storage. It shows itself only after a moment
// (style.css), so that a quick start does not flicker.
import { t } from '../language.ts'
import { Logo, NAME } from './Logo.tsx'

/** `joining`: an invite is at hand, so that the first screen will be the one with "Join". */
export function Starting({ joining }: { joining: boolean }) {
  return joining ? <Card /> : <Conversation />
}

const Said = () => (
  <p class="sr-only" role="status">
    {t.start.starting}
  </p>
)

/** Lines of text to come, as long as these shares of the column. */
const Lines = ({ of }: { of: readonly number[] }) =>
  of.map((share) => (
    <span key={share} class="line">
      <i class="bone" style={{ width: `${share}%` }} />
    </span>
  ))

function Card() {
  return (
    <main class="card-page starting" aria-busy="true">
      <Said />
      <div class="card" aria-hidden="true">
        <Logo />
        <div class="h1">
          <Lines of={[96, 44]} />
        </div>
        <p>
          <Lines of={[98, 92]} />
        </p>
        <div class="label">
          <Lines of={[26]} />
        </div>
        <i class="bone field" />
        <i class="bone button" />
      </div>
    </main>
  )
}

function Conversation() {
  return (
    <div class="app starting" aria-busy="true">
      <div class="rooms" aria-hidden="true">
        <p class="brand">
          <Logo />
          {NAME}
        </p>
        <div class="room">
          <i class="bone avatar" />
          <Lines of={[50]} />
        </div>
      </div>
      <section class="conversation">
        <Said />
        <div class="top" aria-hidden="true">
          <span class="to-rooms">
            <i class="icon-svg" />
            <i class="bone avatar" />
          </span>
          <i class="bone avatar" />
          <div class="title">
            <Lines of={[30, 18]} />
          </div>
          <i class="icon" />
        </div>
        <main class="log-frame" aria-hidden="true">
          <div class="log">
            <i class="skeleton" />
            <i class="skeleton mine" />
            <i class="skeleton" />
          </div>
        </main>
        <div class="composer" aria-hidden="true">
          <i class="icon" />
          <i class="bone text" />
          <i class="bone send" />
        </div>
      </section>
    </div>
  )
}
