// Where records are put and read back (SPEC §3.3): a file, or an endpoint over https. Stores see sealed bytes only.
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { toHex } from '../shared/bytes.ts'
import { RECORD_BYTES } from '../shared/constants.ts'
import { ClawError } from '../shared/error.ts'
import { ed25519PublicKey } from '../shared/noble.ts'
import { encodePut, storageId } from '../shared/put.ts'
import { syncFolder, writeAtomically } from './folder.ts'

/** Both throw ClawError: `store-unreachable` (try again), `store-refused` (it answered no), or put alone `store-token`. */
export interface Store {
  /** for people and events; no secret in it */
  readonly name: string
  /** whether links lead readers here: a file is handed on by somebody else, and maybe much later */
  readonly linked: boolean
  /** `record`: 6144 bytes, sealed */
  put(seq: number, record: Uint8Array): Promise<void>
  /** 6144 bytes, not verified, or null when there is none */
  get(): Promise<Uint8Array | null>
}

const TIMEOUT_MS = 10_000
const WORD_MAX = 32

type Ask = (url: string, init: RequestInit) => Promise<Response>

/** A file that a web server or a synchronised folder hands out. */
export function fileStore(path: string): Store {
  return {
    name: 'file',
    linked: false,
    async put(_seq, record) {
      if (record.length !== RECORD_BYTES) throw new ClawError('record-malformed')
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

/** An endpoint at `url` (no trailing slash). `writeSecret`: Ed25519 of W, 32 bytes. `token`: needed for the first write. */
export function httpsStore(input: {
  readonly name: string
  readonly url: string
  readonly writeSecret: Uint8Array
  readonly token?: string | undefined
  readonly timeoutMs?: number | undefined
  /** an endpoint in this process is asked without a network */
  readonly request?: Ask | undefined
}): Store {
  const id = storageId(ed25519PublicKey(input.writeSecret))
  const url = `${input.url}/v1/records/${toHex(id)}`
  const headers: Record<string, string> = { 'content-type': 'application/octet-stream' }
  if (input.token) headers.authorization = `Bearer ${input.token}`
  const asking = { timeoutMs: input.timeoutMs ?? TIMEOUT_MS, request: input.request ?? fetch }
  return {
    name: input.name,
    linked: true,
    async put(seq, record) {
      const body = new Uint8Array(encodePut(input.writeSecret, { ctr: seq, record }))
      await ask(url, { method: 'PUT', headers, body }, asking, async (answer) => {
        const word = answer.status === 403 ? await readWord(answer) : ''
        if (word === 'token') throw new ClawError('store-token')
        await answer.body?.cancel()
        refuseUnlessOk(answer)
      })
    },
    get: () =>
      ask(url, { cache: 'no-store' }, asking, async (answer) => {
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
  { timeoutMs, request }: { readonly timeoutMs: number; readonly request: Ask },
  read: (answer: Response) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs)
  // One that is kept may belong to a network that is gone: what is asked there waits for its deadline.
  const headers = { ...init.headers, connection: 'close' }
  try {
    // A redirect could send the write, and the token with it, to someone else.
    return await read(await request(url, { ...init, headers, redirect: 'error', signal }))
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

/** What a refusal says (SPEC §3.3), or nothing if that is longer than any of its words. */
async function readWord(answer: Response): Promise<string> {
  let text = ''
  for await (const chunk of answer.body ?? []) {
    text += new TextDecoder().decode(chunk)
    if (text.length > WORD_MAX) return ''
  }
  return text
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
