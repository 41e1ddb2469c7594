// "Lock" in the settings: a PIN before what this browser keeps, set, changed and taken away.
import { useState } from 'preact/hooks'
import { type ClawErrorCode, codeOf } from '../../shared/error.ts'
import { t } from '../language.ts'
import type { LockWishes } from '../model.ts'
import { keepLockAfter, keptLockAfter, LOCK_AFTER_MINUTES } from '../settings.ts'
import { wordsOf } from '../words.ts'
import { PinProgress } from './PinProgress.tsx'
import { onEscape, useSwap } from './Sure.tsx'

/** Shorter ones keep nobody out, not even for a minute. */
const SHORTEST = 4

type Task = 'set' | 'change' | 'remove'

export function LockSettings({ lock }: { lock: LockWishes }) {
  const [task, setTask] = useState<Task | null>(null)
  const [said, setSaid] = useState('')
  const { inside, outside } = useSwap<HTMLInputElement>(task !== null)
  const leave = (words: string): void => {
    setSaid(words)
    setTask(null)
  }
  return (
    <section aria-labelledby="lock-title" class="lock-settings">
      <h3 id="lock-title">{t.lock.section}</h3>
      <p class="lead">{lock.isSet ? t.lock.isSet : t.lock.isNotSet}</p>
      <p class="said" role="status">
        {said}
      </p>
      {task !== null ? (
        <PinForm key={task} task={task} lock={lock} field={inside} onEnd={leave} />
      ) : lock.isSet ? (
        <>
          <LockAfter />
          <p class="row">
            <button type="button" class="quiet" ref={outside} onClick={() => lock.now()}>
              {t.lock.now}
            </button>
            <button type="button" class="quiet" onClick={() => setTask('change')}>
              {t.lock.change}
            </button>
            <button type="button" class="quiet" onClick={() => setTask('remove')}>
              {t.lock.remove}
            </button>
          </p>
        </>
      ) : (
        <button type="button" class="quiet" ref={outside} onClick={() => setTask('set')}>
          {t.lock.set}
        </button>
      )}
    </section>
  )
}

function LockAfter() {
  const [minutes, setMinutes] = useState(keptLockAfter())
  const choose = (next: number): void => {
    keepLockAfter(next)
    setMinutes(next)
  }
  return (
    <div class="setting">
      <label for="lock-after">{t.lock.after}</label>
      <select
        id="lock-after"
        value={String(minutes)}
        onChange={({ currentTarget: { value } }) => choose(Number(value))}
      >
        {LOCK_AFTER_MINUTES.map((each) => (
          <option key={each} value={String(each)}>
            {each === 0 ? t.lock.never : t.lock.minutes(each)}
          </option>
        ))}
      </select>
    </div>
  )
}

interface PinFormProps {
  readonly task: Task
  readonly lock: LockWishes
  readonly field: { current: HTMLInputElement | null }
  /** with what is to be said then */
  readonly onEnd: (words: string) => void
}

function PinForm({ task, lock, field, onEnd }: PinFormProps) {
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const [again, setAgain] = useState('')
  const [done, setDone] = useState<number | null>(null)
  const [problem, setProblem] = useState('')
  const save = async (): Promise<void> => {
    setDone(0)
    try {
      await lock.change(current, task === 'remove' ? null : next, setDone)
      onEnd(t.lock.said[task])
    } catch (error) {
      setProblem(sentence(codeOf(error)))
      setDone(null)
    }
  }
  const submit = (event: Event): void => {
    event.preventDefault()
    const found = task === 'remove' ? '' : problemOf(next, again)
    setProblem(found)
    if (found === '' && done === null) void save()
  }
  return (
    <form onSubmit={submit} onKeyDown={onEscape(() => done === null && onEnd(''))}>
      {task !== 'set' && (
        <Secret id="pin-current" label={t.lock.current} onValue={setCurrent} field={field} />
      )}
      {task !== 'remove' && (
        <>
          <Secret
            id="pin-next"
            label={t.lock.next}
            onValue={setNext}
            {...(task === 'set' ? { field } : {})}
          />
          <Secret id="pin-again" label={t.lock.again} onValue={setAgain} />
          <p class="fine">{t.lock.howLong}</p>
        </>
      )}
      <p class="problem" role="alert">
        {problem}
      </p>
      <PinProgress done={done} />
      <p class="row">
        <button type="submit" class="primary" disabled={done !== null}>
          {t.lock.save[task]}
        </button>
        <button type="button" class="quiet" disabled={done !== null} onClick={() => onEnd('')}>
          {t.lock.cancel}
        </button>
      </p>
    </form>
  )
}

function problemOf(next: string, again: string): string {
  if ([...next].length < SHORTEST) return t.lock.short(SHORTEST)
  return next === again ? '' : t.lock.different
}

function sentence(code: ClawErrorCode): string {
  const { what, next } = wordsOf(code)
  return `${what} ${next}`
}

const Secret = (props: {
  id: string
  label: string
  onValue: (value: string) => void
  field?: { current: HTMLInputElement | null }
}) => (
  <div class="setting">
    <label for={props.id}>{props.label}</label>
    <input
      id={props.id}
      type="password"
      autocomplete="off"
      required
      {...(props.field === undefined ? {} : { ref: props.field })}
      onInput={({ currentTarget: { value } }) => props.onValue(value)}
    />
  </div>
)
