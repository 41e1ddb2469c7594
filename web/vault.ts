// What this browser keeps is sealed (SPEC §11.1): values of IndexedDB at once, content of files on the browser's own threads.
// IndexedDB ends a transaction at the first wait for anything else, and what belongs together is written in one: so values are
// sealed by noble, which does not wait.
import { concat, fromUtf8, toUtf8 } from '../shared/bytes.ts'
import type { Aead, CryptoBackend } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { gcmOpen, gcmSeal, nobleBackend } from '../shared/noble.ts'

const LABEL = 'clawchat/v1 kept '
const NUMBER_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Store keys, 32 bytes each, oldest first: the last one seals, the others open what was written under them. */
export type StoreKeys = readonly Uint8Array[]

export const drawKey = (): Uint8Array => crypto.getRandomValues(new Uint8Array(32))

export class Vault {
  readonly keys: StoreKeys
  readonly #backend: Pick<CryptoBackend, 'aead'>
  readonly #aeads = new Map<number, Promise<Aead>>()

  /** `keys`: one at least. `backend`: for content of files, which may wait. */
  constructor(keys: StoreKeys, backend: Pick<CryptoBackend, 'aead'> = nobleBackend) {
    this.keys = keys
    this.#backend = backend
  }

  /** `place`: where it will lie; nothing opens anywhere else. */
  seal(place: string, value: unknown): Uint8Array {
    const { head, nonce, key } = this.#newest()
    return concat(head, nonce, gcmSeal(key, nonce, aadOf(place), encodeValue(value)))
  }

  /** Throws ClawError('storage') for what was not sealed by these keys for this place. */
  open(place: string, sealed: Uint8Array): unknown {
    const { number, nonce, body } = split(sealed)
    try {
      return decodeValue(gcmOpen(this.#key(number), nonce, aadOf(place), body))
    } catch {
      throw new ClawError('storage')
    }
  }

  async sealContent(place: string, bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const { number, head, nonce } = this.#newest()
    const sealed = await (await this.#aead(number)).seal(nonce, aadOf(place), bytes)
    return new Uint8Array(concat(head, nonce, sealed))
  }

  /** Rejects with ClawError('storage') as `open`. */
  async openContent(place: string, sealed: Uint8Array): Promise<Uint8Array> {
    const { number, nonce, body } = split(sealed)
    try {
      return await (await this.#aead(number)).open(nonce, aadOf(place), body)
    } catch {
      throw new ClawError('storage')
    }
  }

  #newest() {
    const number = this.keys.length - 1
    const head = new Uint8Array(NUMBER_BYTES)
    new DataView(head.buffer).setUint32(0, number)
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
    return { number, head, nonce, key: this.#key(number) }
  }

  #key(number: number): Uint8Array {
    const key = this.keys[number]
    // Another tab has set a PIN since: this one is about to be loaded anew.
    if (key === undefined) throw new ClawError('storage')
    return key
  }

  #aead(number: number): Promise<Aead> {
    const known = this.#aeads.get(number)
    if (known !== undefined) return known
    const made = Promise.resolve(this.#backend.aead(this.#key(number)))
    this.#aeads.set(number, made)
    return made
  }
}

const aadOf = (place: string): Uint8Array => toUtf8(LABEL + place)

function split(sealed: Uint8Array) {
  const head = NUMBER_BYTES + NONCE_BYTES
  if (sealed.length < head + TAG_BYTES) throw new ClawError('storage')
  return {
    number: new DataView(sealed.buffer, sealed.byteOffset).getUint32(0),
    nonce: sealed.slice(NUMBER_BYTES, head),
    body: sealed.subarray(head),
  }
}

/** In the place of bytes in the JSON: where they begin behind it, and how many they are. */
interface Bytes {
  readonly '~': readonly [at: number, length: number]
}

/** u32 length of JSON ‖ JSON ‖ the bytes that it names. */
export function encodeValue(value: unknown): Uint8Array {
  const parts: Uint8Array[] = []
  let at = 0
  const json = JSON.stringify(value, (_, field: unknown) => {
    if (!(field instanceof Uint8Array)) return field
    parts.push(field)
    at += field.length
    return { '~': [at - field.length, field.length] } satisfies Bytes
  })
  const text = toUtf8(json)
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, text.length)
  return concat(head, text, ...parts)
}

/** Of bytes that this page has sealed itself. Throws ClawError('storage') for others. */
export function decodeValue(bytes: Uint8Array): unknown {
  if (bytes.length < 4) throw new ClawError('storage')
  const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  if (end > bytes.length) throw new ClawError('storage')
  const revive = (_: string, field: unknown): unknown => {
    if (typeof field !== 'object' || field === null || !('~' in field)) return field
    const [at, length] = (field as Bytes)['~']
    return bytes.slice(end + at, end + at + length)
  }
  try {
    const json = fromUtf8(bytes.subarray(4, end))
    // Most messages hold none, and a reviver costs more than all the rest.
    return end === bytes.length && !json.includes('"~"')
      ? JSON.parse(json)
      : JSON.parse(json, revive)
  } catch {
    throw new ClawError('storage')
  }
}
