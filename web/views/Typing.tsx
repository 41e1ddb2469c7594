// Who writes in the shown room just now.
import { useEffect, useState } from 'preact/hooks'
import { t } from '../language.ts'
import type { AppState } from '../model.ts'

export function Typing({ state }: { state: AppState }) {
  const [now, setNow] = useState(Date.now())
  const next = Math.min(...state.typing.map(({ untilMs }) => untilMs).filter((ms) => ms > now))
  useEffect(() => {
    setNow(Date.now())
    if (!Number.isFinite(next)) return
    const timer = setTimeout(() => setNow(Date.now()), Math.max(0, next - Date.now()))
    return () => clearTimeout(timer)
  }, [state.typing, next])
  const names = state.typing
    .filter(({ untilMs }) => untilMs > now)
    .flatMap(({ member }) => state.members.find(({ id }) => id === member)?.name ?? [])
  return (
    <p class="typing" aria-live="polite">
      {names.length > 0 && <span>{t.chat.typing(names)}</span>}
    </p>
  )
}
