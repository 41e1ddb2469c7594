// What is fuzzed: a function of bytes that throws when a promise is broken.
import { ClawError, type ClawErrorCode } from '../../shared/error.ts'

export interface Target {
  /** also the name of its corpus file */
  readonly name: string
  /** longest input worth trying */
  readonly maxBytes: number
  /** Whatever it throws or rejects with is a finding. */
  run(input: Uint8Array): void | Promise<void>
}

/** The result, or null for a refusal with one of these codes; everything else escapes. */
export function attempt<T>(codes: readonly ClawErrorCode[], run: () => T): T | null {
  try {
    return run()
  } catch (error) {
    return refusal(codes, error)
  }
}

export async function attemptAsync<T>(
  codes: readonly ClawErrorCode[],
  run: () => Promise<T>,
): Promise<T | null> {
  try {
    return await run()
  } catch (error) {
    return refusal(codes, error)
  }
}

function refusal(codes: readonly ClawErrorCode[], error: unknown): null {
  if (error instanceof ClawError && codes.includes(error.code)) return null
  throw error
}

export function must(kept: boolean, promise: string): void {
  if (!kept) throw new Error(`broken promise: ${promise}`)
}

export function mustEqual(actual: Uint8Array | null, wanted: Uint8Array, promise: string): void {
  must(actual !== null && Buffer.compare(actual, wanted) === 0, promise)
}

/** `length` bytes: cut, or filled with zeros. */
export function sized(bytes: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length)
  out.set(bytes.subarray(0, length))
  return out
}
