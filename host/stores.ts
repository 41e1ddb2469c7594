// Where records are put and read back (SPEC §3.3): a file, or an endpoint over https. Stores see sealed bytes only.
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { toHex } from '../shared/bytes.ts'
import { RECORD_BYTES } from '../shared/constants.ts'
import { ClawError } from '../shared/error.ts'
import { syncFolder, writeAtomically } from './folder.ts'

export interface StoreWrite {
  /** the body of a PUT, 6248 bytes */
  readonly body: Uint8Array
  /** 6144 bytes */
  readonly record: Uint8Array
  readonly seq: number
}

/** Both throw ClawError: `store-unreachable` (try again) or `store-refused` (it answered no). */
export interface Store {
  /** for people and events; no secret in it */
  readonly name: string
  put(write: StoreWrite, signal?: AbortSignal): Promise<void>
  /** 6144 bytes, not verified, or null when there is none */
  get(signal?: AbortSignal): Promise<Uint8Array | null>
}

const TIMEOUT_MS = 10_000

/** A file that a web server or a synchronised folder hands out. */
export function fileStore(name: string, path: string): Store {
  return {
    name,
    async put({ record }) {
      try {
        mkdirSync(dirname(path), { recursive: true })
        // Readable for all: the record is sealed, and a web server may have to read it.
        writeAtomically(path, record, 0o644)
        syncFolder(dirname(path))
      } catch {
        throw new ClawError('store-unreachable')
      }
    },
    async get() {
      try {
        if (statSync(path).size !== RECORD_BYTES) throw new ClawError('store-refused')
        return new Uint8Array(readFileSync(path))
      } catch (error) {
        if (error instanceof ClawError) throw error
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
        throw new ClawError('store-unreachable')
      }
    },
  }
}

/** An endpoint at `baseUrl` (no trailing slash). `id`: storage id, 32 bytes. `token`: needed for the first write of an id. */
export function httpsStore(input: {
  readonly name: string
  readonly baseUrl: string
  readonly id: Uint8Array
  readonly token?: string | null
  readonly timeoutMs?: number
}): Store {
  const url = `${input.baseUrl}/v1/records/${toHex(input.id)}`
  const headers: Record<string, string> = { 'content-type': 'application/octet-stream' }
  if (input.token) headers.authorization = `Bearer ${input.token}`
  const timeoutMs = input.timeoutMs ?? TIMEOUT_MS
  return {
    name: input.name,
    put: (write, signal) =>
      ask(
        url,
        { method: 'PUT', headers, body: new Uint8Array(write.body) },
        timeoutMs,
        signal,
        async (answer) => {
          await answer.body?.cancel()
          refuseUnlessOk(answer)
        },
      ),
    get: (signal) =>
      ask(url, { cache: 'no-store' }, timeoutMs, signal, async (answer) => {
        if (answer.status === 404) {
          await answer.body?.cancel()
          return null
        }
        refuseUnlessOk(answer)
        return readRecord(answer)
      }),
  }
}

async function ask<T>(
  url: string,
  init: RequestInit,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  read: (answer: Response) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(timeoutMs)
  const stop = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
  try {
    // A redirect could send the write, and the token with it, to someone else.
    return await read(await fetch(url, { ...init, redirect: 'error', signal: stop }))
  } catch (error) {
    throw error instanceof ClawError ? error : new ClawError('store-unreachable')
  }
}

/** 429 and server errors pass; everything else that is not a success is the store's "no". */
function refuseUnlessOk(answer: Response): void {
  if (answer.ok) return
  const passes = answer.status === 429 || answer.status >= 500
  throw new ClawError(passes ? 'store-unreachable' : 'store-refused')
}

/** Reads at most one record, so that a store cannot fill the memory. */
async function readRecord(answer: Response): Promise<Uint8Array> {
  const record = new Uint8Array(RECORD_BYTES)
  let at = 0
  for await (const chunk of answer.body ?? []) {
    if (at + chunk.length > RECORD_BYTES) throw new ClawError('store-refused')
    record.set(chunk, at)
    at += chunk.length
  }
  if (at !== RECORD_BYTES) throw new ClawError('store-refused')
  return record
}
