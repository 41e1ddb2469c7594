// How far the slow work of a PIN has come; its room is there before it, so that nothing jumps.
import { t } from '../language.ts'

export const PinProgress = ({ done }: { done: number | null }) => (
  <div class="pin-progress">
    <p class="sr-only" role="status">
      {done === null ? '' : t.lock.checking}
    </p>
    {done !== null && <progress aria-label={t.lock.checking} max={1} value={done} />}
  </div>
)
