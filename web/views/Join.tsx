// The first screen of an invite. Nothing is sent before the person presses Join.
import { useState } from 'preact/hooks'
import { NAME_MAX_BYTES } from '../../shared/constants.ts'
import { Alert } from './Alert.tsx'
import type { ViewProps } from './App.tsx'
import { Logo } from './icons.tsx'
import { PlainHttp } from './PlainHttp.tsx'

export function Join({ state, engine }: ViewProps) {
  const [name, setName] = useState('')
  const busy = state.phase === 'joining'
  const running = state.connection.steps.find((step) => step.status === 'running')
  const submit = (event: Event): void => {
    event.preventDefault()
    if (name.trim() !== '' && !busy) engine.join(name.trim())
  }
  return (
    <main class="card-page">
      <form class="card" onSubmit={submit}>
        <Logo />
        <h1>{state.hostName} invites you to a private chat</h1>
        <p>
          It runs on their own machine. Nobody else can read it, and there is nothing to install.
        </p>
        <PlainHttp />
        <Alert
          code={state.error}
          onRetry={() => (name.trim() === '' ? engine.retry() : engine.join(name.trim()))}
        />
        <label for="name">Your name</label>
        <input
          id="name"
          name="name"
          autocomplete="given-name"
          required
          maxLength={NAME_MAX_BYTES}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <button type="submit" class="primary wide" disabled={busy}>
          Join
        </button>
        {state.otherChat !== null && !busy && (
          <button type="button" class="quiet wide" onClick={() => engine.dismiss()}>
            Back to {state.otherChat}
          </button>
        )}
        <p class="progress" aria-live="polite">
          {busy
            ? `Joining: ${running === undefined ? 'one moment' : STEP_WORDS[running.name]}…`
            : ''}
        </p>
        <p class="fine">
          The link works once. Afterwards this browser is remembered, and the owner can remove it at
          any time.
        </p>
      </form>
    </main>
  )
}

const STEP_WORDS = {
  record: 'looking for the host',
  verify: 'checking its signature',
  direct: 'knocking',
  handshake: 'agreeing on keys',
  sync: 'fetching messages',
} as const
