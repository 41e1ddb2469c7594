// Reading foreign JSON: whatever is not as expected makes the whole file an error, never a silent skip.
import { fromHex } from '../../shared/bytes.ts'

/** The file cannot be understood; the message says where and what, and never echoes data. */
export class VectorFileError extends Error {
  override readonly name = 'VectorFileError'
}

export type JsonObject = Readonly<Record<string, unknown>>

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new VectorFileError(`${what} is not an object`)
  }
  return value as JsonObject
}

/** The objects of a list that must not be empty. */
export function objectsAt(holder: JsonObject, key: string): JsonObject[] {
  const value = holder[key]
  if (!Array.isArray(value) || value.length === 0) {
    throw new VectorFileError(`"${key}" is not a list with entries`)
  }
  return value.map((entry: unknown, i) => asObject(entry, `${key}[${i}]`))
}

export function stringAt(holder: JsonObject, key: string): string {
  const value = holder[key]
  if (typeof value !== 'string') throw new VectorFileError(`"${key}" is not a string`)
  return value
}

export function countAt(holder: JsonObject, key: string): number {
  const value = holder[key]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new VectorFileError(`"${key}" is not a count`)
  }
  return value
}

const hex = (value: unknown, key: string): Uint8Array => {
  if (typeof value !== 'string') throw new VectorFileError(`"${key}" is not hex`)
  try {
    return fromHex(value)
  } catch {
    throw new VectorFileError(`"${key}" is not hex`)
  }
}

export const hexAt = (holder: JsonObject, key: string): Uint8Array => hex(holder[key], key)
export const optionalHexAt = (holder: JsonObject, key: string): Uint8Array | undefined =>
  holder[key] === undefined ? undefined : hex(holder[key], key)
export function hexListAt(holder: JsonObject, key: string): Uint8Array[] {
  const value = holder[key] ?? []
  if (!Array.isArray(value)) throw new VectorFileError(`"${key}" is not a list`)
  return value.map((entry: unknown) => hex(entry, key))
}
