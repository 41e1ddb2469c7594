// When a device that is away is told that something waits (SPEC §7.8): a machine. Time comes in; what waits, and whether
// the device has a subscription, the driver looks up when a push is due (push.ts).

/** how long a device is away before it is told: a page that reloads or changes its carrier is none */
export const AWAY_MS = 10_000
/** between two pushes to one device; doubled each time, until it was here */
export const GAP_MS = { first: 60_000, last: 64 * 60_000 } as const

interface Waiting {
  /** null: nothing new since the last push */
  readonly dueMs: number | null
  /** the earliest moment of the next push, and how long to wait after that one */
  readonly freeMs: number
  readonly gapMs: number
}

/** Devices that are away, and of which something is known. */
export type PushingState = ReadonlyMap<string, Waiting>

export type PushingInput =
  /** messages wait for these; those that are here are not among them */
  | { readonly type: 'news'; readonly devices: readonly string[] }
  /** it is connected, or gone for good */
  | { readonly type: 'here'; readonly device: string }
  | { readonly type: 'fired' }

export interface PushingStep {
  readonly state: PushingState
  /** whom to tell now */
  readonly due: readonly string[]
  readonly wakeAt: number | null
}

const UNKNOWN: Waiting = { dueMs: null, freeMs: 0, gapMs: GAP_MS.first }

export function stepPushing(state: PushingState, input: PushingInput, nowMs: number): PushingStep {
  const next = new Map(state)
  const due: string[] = []
  switch (input.type) {
    case 'news':
      for (const device of input.devices) {
        const known = next.get(device) ?? UNKNOWN
        next.set(device, {
          ...known,
          dueMs: known.dueMs ?? Math.max(nowMs + AWAY_MS, known.freeMs),
        })
      }
      break
    case 'here':
      next.delete(input.device)
      break
    case 'fired':
      for (const [device, { dueMs, gapMs }] of state) {
        if (dueMs === null || dueMs > nowMs) continue
        due.push(device)
        const freeMs = nowMs + gapMs
        next.set(device, { dueMs: null, freeMs, gapMs: Math.min(GAP_MS.last, 2 * gapMs) })
      }
      break
  }
  const moments = [...next.values()].flatMap(({ dueMs }) => (dueMs === null ? [] : [dueMs]))
  return { state: next, due, wakeAt: moments.length === 0 ? null : Math.min(...moments) }
}
