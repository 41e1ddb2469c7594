// Whether the packets of a punched path pass a TURN server (SPEC §4.5): of the pair that ICE has chosen, this page's own end
// is one of type relay. It may change while the carrier lasts, so it is looked at again and again.
import type SimplePeer from 'simple-peer'

const LOOK_MS = 2000

/** What is used of WebRTC's statistics (W3C webrtc-stats). */
export interface Report {
  readonly id: string
  readonly type: string
  readonly selectedCandidatePairId?: string
  readonly localCandidateId?: string
  readonly state?: string
  readonly nominated?: boolean
  readonly selected?: boolean
  readonly candidateType?: string
}

/** Null if no pair is chosen. */
export function passesTurn(reports: readonly Report[]): boolean | null {
  const byId = new Map(reports.map((report) => [report.id, report]))
  const chosen = reports.find(({ type }) => type === 'transport')?.selectedCandidatePairId
  // Firefox has no such id in older versions, and a mark of its own on the pair.
  const pair = byId.get(chosen ?? '') ?? reports.find(isUsed)
  const own = byId.get(pair?.localCandidateId ?? '')
  return own === undefined ? null : own.candidateType === 'relay'
}

const isUsed = ({ type, state, nominated, selected }: Report): boolean =>
  type === 'candidate-pair' && state === 'succeeded' && (selected ?? nominated) === true

/** simple-peer has it, its types do not. */
interface Counted {
  getStats(done: (error: Error | null, reports: readonly Report[]) => void): void
}

/** Tells whether it does, and from then on each change. Resolves once told, or once nobody knows. */
export function watchPath(peer: SimplePeer.Instance, told: (turn: boolean) => void): Promise<void> {
  let last: boolean | null = null
  const look = (): Promise<void> =>
    new Promise((resolve) => {
      if (peer.destroyed) {
        clearInterval(timer)
        return resolve()
      }
      const counted = peer as unknown as Counted
      counted.getStats((_, reports) => {
        const turn = passesTurn(reports ?? [])
        if (turn !== null && turn !== last) told(turn)
        last = turn ?? last
        resolve()
      })
    })
  const timer = setInterval(look, LOOK_MS)
  return look()
}
