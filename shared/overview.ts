// How a host is (SPEC §7.9), for its owner: what lies on its disk, its stores, its ports, its router.
import type { Reader, Writer } from './bytes.ts'
import { NAME_MAX_BYTES } from './constants.ts'
import { readFew } from './fields.ts'

export interface Overview {
  /** on the host's disk: messages and keys, then attachments, then what is still free */
  readonly databaseBytes: number
  readonly filesBytes: number
  readonly freeBytes: number
  readonly messages: number
  /** seq of the newest record */
  readonly seq: number
  readonly stores: readonly StoreHealth[]
  readonly intervalMs: number
  /** oldest first: the port before, the one of now, those to come */
  readonly ports: readonly PortPeriod[]
  /** why the router maps nothing, or not for everybody (SPEC §9.2), IPv4 and IPv6; empty while all is well */
  readonly router: readonly [ipv4: string, ipv6: string]
}
export interface StoreHealth {
  readonly name: string
  /** newest that it confirmed; 0: none in this run */
  readonly seq: number
  /** why it fails (SPEC §9); empty while it works */
  readonly code: string
}
export interface PortPeriod {
  readonly epoch: number
  /** 0: one to come */
  readonly port: number
}

export function writeOverview(writer: Writer, overview: Overview): void {
  const { databaseBytes, filesBytes, freeBytes, messages, seq, intervalMs } = overview
  writer.u64(databaseBytes).u64(filesBytes).u64(freeBytes).u64(messages).u64(seq)
  writer.u8(overview.stores.length)
  for (const { name, seq, code } of overview.stores)
    writer.str8(name, NAME_MAX_BYTES).u64(seq).str8(code, NAME_MAX_BYTES)
  writer.u32(intervalMs).u8(overview.ports.length)
  for (const { epoch, port } of overview.ports) writer.u64(epoch).u16(port)
  for (const code of overview.router) writer.str8(code, NAME_MAX_BYTES)
}

/** Fails on anything but exactly one overview. */
export function readOverview(reader: Reader): Overview {
  const text = (): string => reader.str8(NAME_MAX_BYTES)
  const sizes = {
    databaseBytes: reader.u64(),
    filesBytes: reader.u64(),
    freeBytes: reader.u64(),
    messages: reader.u64(),
    seq: reader.u64(),
  }
  const stores = readFew(reader, 10, () => ({ name: text(), seq: reader.u64(), code: text() }))
  const intervalMs = reader.u32()
  const ports = readFew(reader, 10, () => ({ epoch: reader.u64(), port: reader.u16() }))
  return { ...sizes, stores, intervalMs, ports, router: [text(), text()] }
}
