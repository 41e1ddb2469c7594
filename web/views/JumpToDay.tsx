// A day to go to in the shown room (SPEC §7.6).
import { useState } from 'preact/hooks'
import { type ClawErrorCode, codeOf } from '../../shared/error.ts'
import { t } from '../language.ts'
import { wordsOf } from '../words.ts'
import type { ViewProps } from './App.tsx'
import { Dialog } from './Dialog.tsx'

/** `day`: of the separator that was pressed, unix ms */
export function JumpToDay({
  state,
  engine,
  day,
  onClose,
}: ViewProps & { day: number; onClose: () => void }) {
  const [date, setDate] = useState(dateOf(new Date(day)))
  const [problem, setProblem] = useState<ClawErrorCode | 'none' | null>(null)
  const submit = (event: Event): void => {
    event.preventDefault()
    const [year = 0, month = 1, date_ = 1] = date.split('-').map(Number)
    const atMs = Math.max(0, new Date(year, month - 1, date_).getTime())
    engine.seek.jumpTo(state.room, { atMs }).then(
      (isThere) => (isThere ? onClose() : setProblem('none')),
      (error) => setProblem(codeOf(error)),
    )
  }
  return (
    <Dialog name={t.places.toDay} onClose={onClose}>
      <form class="room-form" onSubmit={submit}>
        <label for="jump-day">{t.places.day}</label>
        <div class="row">
          <input
            id="jump-day"
            type="date"
            required
            max={dateOf(new Date())}
            value={date}
            onInput={({ currentTarget: { value } }) => setDate(value)}
          />
          <button type="submit" class="quiet">
            {t.places.go}
          </button>
        </div>
        <p class="problem" aria-live="polite">
          {problem === null ? '' : problem === 'none' ? t.places.noMessage : wordsOf(problem).what}
        </p>
      </form>
    </Dialog>
  )
}

/** As date fields want it, of the day here. */
function dateOf(day: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${String(day.getFullYear()).padStart(4, '0')}-${two(day.getMonth() + 1)}-${two(day.getDate())}`
}
