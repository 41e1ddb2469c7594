// What a browser says of this computer's networks. Each says something else, and none says all: what matters is noticed by
// the answers that do not come (pulse.ts); this only makes it quicker.

export interface NetworkPorts {
  /** there is a network again, or another one */
  readonly onAnother: () => void
  readonly onNone: () => void
  /** something about it has changed, which may mean nothing */
  readonly onDoubt: () => void
}

/** Network Information API: in Chromium; `type` on phones only. */
type Connection = EventTarget & { readonly type?: string }

export function watchNetwork({ onAnother, onNone, onDoubt }: NetworkPorts): void {
  addEventListener('online', onAnother)
  addEventListener('offline', onNone)
  const { connection } = navigator as Navigator & { readonly connection?: Connection }
  let type = connection?.type
  connection?.addEventListener('change', () => {
    const changed = connection.type !== type
    type = connection.type
    if (changed && type !== 'none') onAnother()
    else onDoubt()
  })
}
