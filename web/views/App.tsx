// Which screen to show.
import type { ClawErrorCode } from '../../shared/error.ts'
import { t } from '../language.ts'
import type { AppState, Engine } from '../model.ts'
import type { PageVersion } from '../version.ts'
import { Alert, Notice } from './Alert.tsx'
import { Join } from './Join.tsx'
import { LanguageChoice } from './LanguageChoice.tsx'
import { Late } from './Late.tsx'
import { Logo } from './Logo.tsx'
import { Marked } from './Marked.tsx'
import { CHAT } from './parts.ts'
import { DropRecord } from './RecordFile.tsx'
import { Starting } from './Starting.tsx'

export interface ViewProps {
  readonly state: AppState
  readonly engine: Engine
}

export interface ScreenProps extends ViewProps {
  /** false on plain http off loopback */
  readonly secure: boolean
  readonly version: Pick<PageVersion, 'value' | 'use'>
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
      return (
        <Late part={CHAT} waiting={<Starting joining={false} />} missing={incomplete}>
          {(Chat) => <Chat {...props} />}
        </Late>
      )
    case 'join':
    case 'joining':
      return <Join {...props} />
    case 'starting':
      return <Starting joining={false} />
    case 'blank':
      return <Blank {...props} />
  }
}

const incomplete = (retry: () => void) => <Failed code="page-incomplete" onRetry={retry} />

function Blank({ state, engine }: ViewProps) {
  return (
    <main class="card-page">
      <div class="card">
        <Logo />
        <h1>{t.start.blankTitle}</h1>
        <Notice state={state} engine={engine} />
        <p>{t.start.blank}</p>
        <p class="fine">
          <Marked text={t.start.blankOwner} />
        </p>
        <LanguageChoice />
      </div>
    </main>
  )
}

/** What is left to show when the engine itself could not start. */
export function Failed({
  code,
  onRetry = () => location.reload(),
}: {
  code: ClawErrorCode
  onRetry?: () => void
}) {
  return (
    <main class="card-page">
      <div class="card">
        <Logo />
        <h1>{t.start.failed}</h1>
        <Alert code={code} onRetry={onRetry} />
      </div>
    </main>
  )
}

/** A page of an older version holds the storage in another tab. */
export function OlderTab() {
  return (
    <main class="card-page">
      <div class="card">
        <Logo />
        <h1>{t.start.olderTab}</h1>
        <p role="status">{t.start.olderTabNext}</p>
      </div>
    </main>
  )
}
