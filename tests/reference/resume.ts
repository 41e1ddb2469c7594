// Reference of SPEC §6.2: what a sender does with the peer's RESUME.

export interface ReferenceWaiting {
  readonly number: number
  /** hex */
  readonly id: string
}
export interface ReferenceSettled {
  readonly forked: boolean
  /** numbers, as they were */
  readonly acknowledged: number[]
  readonly kept: ReferenceWaiting[]
  /** the last number given out from here on */
  readonly assigned: number
}

export function settle(
  waiting: readonly ReferenceWaiting[],
  assigned: number,
  peer: { readonly stored: number; readonly id: string },
): ReferenceSettled {
  let forked = peer.stored > assigned
  for (const { number, id } of waiting) if (number === peer.stored && id !== peer.id) forked = true
  const acknowledged: number[] = []
  const kept: ReferenceWaiting[] = []
  for (const { number, id } of waiting) {
    if (!forked && number <= peer.stored) acknowledged.push(number)
    else kept.push({ number: peer.stored + kept.length + 1, id })
  }
  return { forked, acknowledged, kept, assigned: peer.stored + kept.length }
}
