// Where a host can be reached by its record, and what a dial comes to (SPEC §4): the same in a browser and without one.
import type { Route } from '../shared/constants.ts'
import { ADDRESS_FLAG, epochAt, type HostAddress, type RecordBody } from '../shared/record.ts'

/** An open pipe of messages and what its handshake is bound to. */
export interface Carrier {
  readonly route: Route
  send(bytes: Uint8Array): void
  onMessage(listener: (bytes: Uint8Array) => void): void
  onClose(listener: () => void): void
  close(): void
  readonly hostFingerprint: Uint8Array
  readonly clientFingerprint: Uint8Array
  /** 93 bytes; on the route `mailbox` the envelope of the offer, 2048 */
  readonly knock: Uint8Array
  readonly hint: Uint8Array
  readonly epoch: number
}

export interface DialInput {
  readonly record: RecordBody
  readonly root: Uint8Array
  /** what time it may be, unix ms, the likeliest first */
  readonly timesMs: readonly number[]
  /** moving to this epoch's port: no other one is tried */
  readonly onlyEpoch?: number | undefined
}

const formatIp = (ip: Uint8Array): string =>
  ip.length === 4
    ? ip.join('.')
    : Array.from({ length: 8 }, (_, i) =>
        (((ip[2 * i] ?? 0) << 8) | (ip[2 * i + 1] ?? 0)).toString(16),
      ).join(':')

/** All addresses on the port of each epoch in turn; once each, as one that a router maps has the same port in all. */
export function candidates(
  record: RecordBody,
  epochs: readonly number[],
  transport: 'udp' | 'tcp' = 'udp',
): { ip: string; port: number }[] {
  const out = new Map<string, { ip: string; port: number }>()
  for (const epoch of epochs) {
    const own = record.schedule[epoch - record.firstEpoch]?.port
    if (own === undefined) continue
    for (const address of record.addresses) {
      // By UDP somebody else may have that port.
      if (transport === 'udp' && (address.flags & ADDRESS_FLAG.tcp) !== 0) continue
      const target = { ip: formatIp(address.ip), port: external(address, own) }
      out.set(`${target.ip} ${target.port}`, target)
    }
  }
  return [...out.values()]
}

/** Of a conversation that begins: the current port, then the next, then the previous one. */
export const around = (epoch: number): number[] => [epoch, epoch + 1, epoch - 1]

const external = (address: HostAddress, port: number): number =>
  address.externalPort === 0 ? port : address.externalPort

/**
 * Epochs to dial as, one after the other: by each time that it may be and, as all of these may be wrong, by the record's
 * own. One epoch beside another leads to the same ports and a hint that the host takes too.
 */
export function epochsToTry(
  { issuedMs, intervalMs }: Pick<RecordBody, 'issuedMs' | 'intervalMs'>,
  timesMs: readonly number[],
): readonly number[] {
  const out: number[] = []
  for (const ms of [...timesMs, issuedMs]) {
    const epoch = epochAt(Math.max(ms, issuedMs), intervalMs)
    if (!out.some((other) => Math.abs(other - epoch) <= 1)) out.push(epoch)
  }
  return out
}
