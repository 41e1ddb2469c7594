// The first screen of an invite. Nothing is sent before the person presses Join.
import { useRef, useState } from 'preact/hooks'
import { t } from '../language.ts'
import { nameProblem } from '../words.ts'
import { Notice } from './Alert.tsx'
import type { ScreenProps } from './App.tsx'
import { LanguageChoice } from './LanguageChoice.tsx'
import { Logo } from './Logo.tsx'
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
        <h1>{t.join.title(state.hostName)}</h1>
        <p>{t.join.lead}</p>
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
        <label for="name">{t.join.name}</label>
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
          {t.join.join}
        </button>
        {state.otherChat !== null && !busy && (
          <button type="button" class="quiet wide" onClick={() => engine.dismiss()}>
            {t.join.back(state.otherChat)}
          </button>
        )}
        <p class="progress" aria-live="polite">
          {busy
            ? t.join.joining(running === undefined ? t.join.moment : t.join.steps[running.name])
            : state.handover === 'taken'
              ? `${t.file.taken} ${t.join.pressJoin}`
              : ''}
        </p>
        <p class="fine">{t.join.fine}</p>
        <LanguageChoice />
      </form>
    </main>
  )
}
