// A client of the record endpoint, written from SPEC §3.3 over plain fetch, and what a runtime must offer to be tested.
import { randomBytes } from 'node:crypto'
import { toHex } from '../../shared/bytes.ts'
import { RECORD_BYTES } from '../../shared/constants.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { encodePut, storageId } from '../../shared/put.ts'

export const DEPLOY_TOKEN = 'deploy-token'
export const BEARER = { Authorization: `Bearer ${DEPLOY_TOKEN}` }

export interface Address {
  /** no trailing slash */
  readonly url: string
}

/** A running endpoint with {@link DEPLOY_TOKEN} and the default bucket, on the real clock. */
export interface Endpoint extends Address {
  /** Lets the record of an id (hex) grow older by `ms`. */
  age(id: string, ms: number): Promise<void>
  /** Tables and rows that exist for an id. */
  held(id: string): Promise<{ readonly tables: number; readonly rows: number }>
  /** Takes the process's memory of an id, or of all, away; storage stays. */
  forget(id: string): Promise<void>
}

export const record = (fill: number): Uint8Array => new Uint8Array(RECORD_BYTES).fill(fill)

/** A host that nobody has seen before. */
export function writer(secret: Uint8Array = new Uint8Array(randomBytes(32))) {
  return {
    secret,
    id: toHex(storageId(ed25519PublicKey(secret))),
    body: (ctr: number, fill = 1): Uint8Array => encodePut(secret, { ctr, record: record(fill) }),
  }
}
export type Writer = ReturnType<typeof writer>

export const recordUrl = (endpoint: Address, id: string): string =>
  `${endpoint.url}/v1/records/${id}`

/** @returns the status and the word of the answer */
export async function put(
  endpoint: Address,
  id: string,
  body: Uint8Array,
  headers: Record<string, string> = BEARER,
): Promise<string> {
  const init = { method: 'PUT', body: Uint8Array.from(body), headers }
  const response = await fetch(recordUrl(endpoint, id), init)
  return `${response.status} ${await response.text()}`.trim()
}

export const get = (
  endpoint: Address,
  id: string,
  headers: Record<string, string> = {},
): Promise<Response> => fetch(recordUrl(endpoint, id), { headers })

export const bytesOf = async (response: Response): Promise<Uint8Array> =>
  new Uint8Array(await response.arrayBuffer())

/** Status, and the fill of the record if there is one. */
export async function read(endpoint: Address, id: string): Promise<string> {
  const response = await get(endpoint, id)
  const bytes = await bytesOf(response)
  return response.status === 200 ? `200 ${bytes.length} ${bytes[0]}` : String(response.status)
}
