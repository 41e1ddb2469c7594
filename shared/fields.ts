// Fields that several layouts share: codes of closed tables, flags, and lists that name their length first.
import type { Reader, Writer } from './bytes.ts'

/** of a member, device, invite, room, message or event: random, or zero for none */
export const ID_BYTES = 16

/** A u8 of a closed table, as its name. */
export function readNamed<K extends string>(table: Readonly<Record<K, number>>, reader: Reader): K {
  const code = reader.u8()
  const name = (Object.keys(table) as K[]).find((key) => table[key] === code)
  return name ?? reader.fail()
}

/** A u8 that is 0 or 1. */
export function readFlag(reader: Reader): boolean {
  const value = reader.u8()
  if (value > 1) reader.fail()
  return value === 1
}

/** u16 n, then n entries of at least `minBytes`: a count that cannot be true takes no memory. */
export const readMany = <T>(reader: Reader, minBytes: number, read: () => T): T[] =>
  readCounted(reader, reader.u16(), minBytes, read)

/** As `readMany`, with a u8 n. */
export const readFew = <T>(reader: Reader, minBytes: number, read: () => T): T[] =>
  readCounted(reader, reader.u8(), minBytes, read)

/** u8 n, then n ids of 16 bytes. */
export const readIds = (reader: Reader): Uint8Array[] =>
  readFew(reader, ID_BYTES, () => reader.bytes(ID_BYTES))

/** As `readIds`; at most 255. */
export function writeIds(writer: Writer, ids: readonly Uint8Array[]): void {
  writer.u8(ids.length)
  for (const id of ids) writer.bytes(id)
}

function readCounted<T>(reader: Reader, count: number, minBytes: number, read: () => T): T[] {
  if (count * minBytes > reader.left) reader.fail()
  return Array.from({ length: count }, read)
}
