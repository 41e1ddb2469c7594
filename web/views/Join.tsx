// The first screen of an invite. Nothing is sent before the person presses Join.
import { useRef, useState } from 'preact/hooks'
import { nameProblem, TAKEN } from '../words.ts'
import { Notice } from './Alert.tsx'
import type { ScreenProps } from './App.tsx'
import { Logo } from './icons.tsx'
import { PlainHttp } from './PlainHttp.tsx'

export function Join({ state, engine, secure }: ScreenProps) {
  const [name, setName] = useState('')
  const field = useRef<HTMLInputElement>(null)
  const problem = nameProblem(name.trim())
  const busy = state.phase === 'joining'
  const running = state.connection.steps.find((step) => step.status === 'running')
  const tryToJoin = (): void => {
    if (name.trim() !== '' && problem === null && !busy) engine.join(name.trim())
  }
  const submit = (event: Event): void => {
    event.preventDefault()
    if (problem !== null) field.current?.focus()
    else tryToJoin()
  }
  return (
    <main class="card-page">
      <form class="card" onSubmit={submit}>
        <Logo />
        <h1>{state.hostName} invites you to a private chat</h1>
        <p>
          It runs on their own machine. Nobody else can read it, and there is nothing to install.
        </p>
        <PlainHttp secure={secure} />
        <Notice
          state={state}
          engine={engine}
          onRetry={() => {
            engine.retry()
            tryToJoin()
          }}
          onTaken={tryToJoin}
        />
        <label for="name">Your name</label>
        <input
          id="name"
          name="name"
          autocomplete="given-name"
          required
          ref={field}
          aria-invalid={problem !== null}
          aria-describedby="name-problem"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <p class="problem" id="name-problem" aria-live="polite">
          {problem}
        </p>
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
            : state.handover === 'taken'
              ? `${TAKEN} Press Join.`
              : ''}
        </p>
        <p class="fine">
          The link lets in as many browsers as its maker allowed, usually one. Once in, this browser
          is remembered and needs no link; the owner can remove it at any time.
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
  mailbox: 'meeting halfway',
  relay: 'asking a relay',
  sync: 'fetching messages',
} as const
