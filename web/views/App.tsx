// Which screen to show.
import type { ClawErrorCode } from '../../shared/error.ts'
import type { AppState, Engine } from '../model.ts'
import { Alert, Notice } from './Alert.tsx'
import { Chat } from './Chat.tsx'
import { Logo } from './icons.tsx'
import { Join } from './Join.tsx'
import { DropRecord } from './RecordFile.tsx'
import { Starting } from './Starting.tsx'

export interface ViewProps {
  readonly state: AppState
  readonly engine: Engine
}

export interface ScreenProps extends ViewProps {
  /** false on plain http off loopback */
  readonly secure: boolean
}

export function App(props: ScreenProps) {
  return (
    <>
      <Screen {...props} />
      <DropRecord engine={props.engine} />
    </>
  )
}

function Screen(props: ScreenProps) {
  switch (props.state.phase) {
    case 'chat':
      return <Chat {...props} />
    case 'join':
    case 'joining':
      return <Join {...props} />
    case 'starting':
      return <Starting joining={false} />
    case 'blank':
      return <Blank {...props} />
  }
}

function Blank({ state, engine }: ViewProps) {
  return (
    <main class="card-page">
      <div class="card">
        <Logo />
        <h1>A private chat with one machine</h1>
        <Notice state={state} engine={engine} />
        <p>
          This page opens with a link from whoever runs the host. Ask them for one, then open it
          here: nothing to install, no account.
        </p>
        <p class="fine">
          You run the host yourself? <code>npm start</code> prints your link;{' '}
          <code>npx clawchat invite</code> makes one for somebody else.
        </p>
      </div>
    </main>
  )
}

/** What is left to show when the engine itself could not start. */
export function Failed({ code }: { code: ClawErrorCode }) {
  return (
    <main class="card-page">
      <div class="card">
        <Logo />
        <h1>ClawChat could not start</h1>
        <Alert code={code} onRetry={() => location.reload()} />
      </div>
    </main>
  )
}
