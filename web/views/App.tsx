// Which screen to show.
import type { ClawErrorCode } from '../../shared/error.ts'
import type { AppState, Engine } from '../model.ts'
import { Alert } from './Alert.tsx'
import { Chat } from './Chat.tsx'
import { Logo } from './icons.tsx'
import { Join } from './Join.tsx'

export interface ViewProps {
  readonly state: AppState
  readonly engine: Engine
}

export function App({ state, engine }: ViewProps) {
  switch (state.phase) {
    case 'chat':
      return <Chat state={state} engine={engine} />
    case 'join':
    case 'joining':
      return <Join state={state} engine={engine} />
    case 'starting':
      return <main class="card-page" aria-busy="true" />
    case 'blank':
      return <Blank state={state} engine={engine} />
  }
}

function Blank({ state, engine }: ViewProps) {
  return (
    <main class="card-page">
      <div class="card">
        <Logo />
        <h1>A private chat with one machine</h1>
        <Alert code={state.error} onRetry={() => engine.retry()} />
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
