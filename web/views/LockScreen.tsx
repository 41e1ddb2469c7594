// The first screen where a PIN stands before what this browser keeps. Nothing of the chat is read before the PIN is right.
import { useEffect, useRef, useState } from 'preact/hooks'
import { codeOf } from '../../shared/error.ts'
import { forgetAll } from '../forget.ts'
import { t } from '../language.ts'
import { sweepOpened } from '../opened.ts'
import { openLock } from '../pin.ts'
import type { PinLock } from '../schema.ts'
import { CHANNEL, type TabMessage } from '../tab.ts'
import type { StoreKeys } from '../vault.ts'
import { wordsOf } from '../words.ts'
import { LanguageChoice } from './LanguageChoice.tsx'
import { Logo } from './Logo.tsx'
import { PinProgress } from './PinProgress.tsx'
import { Sure } from './Sure.tsx'

interface LockScreenProps {
  readonly lock: PinLock
  readonly onKeys: (keys: StoreKeys) => void
}

export function LockScreen({ lock, onKeys }: LockScreenProps) {
  const [pin, setPin] = useState('')
  const [done, setDone] = useState<number | null>(null)
  const [problem, setProblem] = useState('')
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])
  // What a tab had opened that is gone.
  useEffect(() => void sweepOpened().catch(() => undefined), [])
  useOtherTabs(onKeys)
  const open = async (): Promise<void> => {
    setProblem('')
    setDone(0)
    try {
      const keys = await openLock(lock, pin, setDone)
      tell({ type: 'unlocked', keys })
      onKeys(keys)
    } catch (error) {
      const { what, next } = wordsOf(codeOf(error))
      setProblem(`${what} ${next}`)
      setDone(null)
      field.current?.select()
    }
  }
  const submit = (event: Event): void => {
    event.preventDefault()
    if (pin !== '' && done === null) void open()
  }
  return (
    <main class="card-page">
      <div class="card">
        <form onSubmit={submit}>
          <Logo />
          <h1>{t.lock.title}</h1>
          <p>{t.lock.lead}</p>
          <label for="pin">{t.lock.field}</label>
          <input
            id="pin"
            type="password"
            autocomplete="off"
            required
            ref={field}
            readOnly={done !== null}
            aria-invalid={problem !== ''}
            aria-describedby="pin-problem"
            value={pin}
            onInput={(event) => setPin(event.currentTarget.value)}
          />
          <p class="problem" id="pin-problem" role="alert">
            {problem}
          </p>
          <button type="submit" class="primary wide" disabled={done !== null}>
            {t.lock.unlock}
          </button>
          <PinProgress done={done} />
        </form>
        <details class="forgot">
          <summary>{t.lock.forgot}</summary>
          <p>{t.lock.forgotHow}</p>
          <Sure
            label={t.lock.forget}
            question={t.lock.forgetSure}
            yes={t.lock.forgetYes}
            disabled={done !== null}
            onSure={() => void forgetAll().then(() => tell({ type: 'lock' }))}
          />
        </details>
        <LanguageChoice />
      </div>
    </main>
  )
}

function tell(message: TabMessage): void {
  const channel = new BroadcastChannel(CHANNEL)
  channel.postMessage(message)
  channel.close()
}

/** The PIN that was given in one tab opens the others; a lock that was changed there is read anew. */
function useOtherTabs(onKeys: (keys: StoreKeys) => void): void {
  useEffect(() => {
    const channel = new BroadcastChannel(CHANNEL)
    channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
      if (data.type === 'unlocked') onKeys(data.keys)
      if (data.type === 'lock') location.reload()
    }
    return () => channel.close()
  }, [])
}
