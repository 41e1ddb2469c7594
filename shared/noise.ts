// Noise core (noiseprotocol.org rev. 34) for 25519[+MLKEM768]_AESGCM_SHA256 with psk and hfs modifiers (SPEC §5).
// Patterns are data, so that foreign vector files run through the very code that ClawChat uses.
// Time and entropy come from the caller; X25519 and AES-GCM from the injected back end.
import { concat, Reader, toUtf8, Writer } from './bytes.ts'
import type { Aead, CryptoBackend, DhKey, RandomBytes } from './crypto.ts'
import { ClawError } from './error.ts'
import { hkdf, sha256 } from './hash.ts'
import { type KemKeys, kemDecapsulate, kemEncapsulate, kemKeys } from './noble.ts'

type DhToken = 'ee' | 'es' | 'se' | 'ss'
type Token = 'e' | 's' | 'e1' | 'ekem1' | 'psk' | DhToken

/** Message tokens, initiator first and then in turn; `known` says whose static keys are known beforehand. */
interface Pattern {
  readonly known: '' | 'i' | 'r' | 'ir'
  readonly messages: readonly string[]
}

const pattern = (known: Pattern['known'], ...messages: string[]): Pattern => ({ known, messages })

// Noise §7.4 (one-way), §7.5 (interactive) and appendix §18.1 (deferred).
const PATTERNS: ReadonlyMap<string, Pattern> = new Map(
  Object.entries({
    N: pattern('r', 'e es'),
    K: pattern('ir', 'e es ss'),
    X: pattern('r', 'e es s ss'),
    NN: pattern('', 'e', 'e ee'),
    NK: pattern('r', 'e es', 'e ee'),
    NX: pattern('', 'e', 'e ee s es'),
    KN: pattern('i', 'e', 'e ee se'),
    KK: pattern('ir', 'e es ss', 'e ee se'),
    KX: pattern('i', 'e', 'e ee se s es'),
    XN: pattern('', 'e', 'e ee', 's se'),
    XK: pattern('r', 'e es', 'e ee', 's se'),
    XX: pattern('', 'e', 'e ee s es', 's se'),
    IN: pattern('', 'e s', 'e ee se'),
    IK: pattern('r', 'e es s ss', 'e ee se'),
    IX: pattern('', 'e s', 'e ee se s es'),
    NK1: pattern('r', 'e', 'e ee es'),
    NX1: pattern('', 'e', 'e ee s', 'es'),
    X1N: pattern('', 'e', 'e ee', 's', 'se'),
    X1K: pattern('r', 'e es', 'e ee', 's', 'se'),
    XK1: pattern('r', 'e', 'e ee es', 's se'),
    X1K1: pattern('r', 'e', 'e ee es', 's', 'se'),
    X1X: pattern('', 'e', 'e ee s es', 's', 'se'),
    XX1: pattern('', 'e', 'e ee s', 'es s se'),
    X1X1: pattern('', 'e', 'e ee s', 'es s', 'se'),
    K1N: pattern('i', 'e', 'e ee', 'se'),
    K1K: pattern('ir', 'e es', 'e ee', 'se'),
    KK1: pattern('ir', 'e', 'e ee se es'),
    K1K1: pattern('ir', 'e', 'e ee es', 'se'),
    K1X: pattern('i', 'e', 'e ee s es', 'se'),
    KX1: pattern('i', 'e', 'e ee se s', 'es'),
    K1X1: pattern('i', 'e', 'e ee s', 'se es'),
    I1N: pattern('', 'e s', 'e ee', 'se'),
    I1K: pattern('r', 'e es s', 'e ee', 'se'),
    IK1: pattern('r', 'e s', 'e ee se es'),
    I1K1: pattern('r', 'e s', 'e ee es', 'se'),
    I1X: pattern('', 'e s', 'e ee s es', 'se'),
    IX1: pattern('', 'e s', 'e ee se s', 'es'),
    I1X1: pattern('', 'e s', 'e ee s', 'se es'),
  }),
)

export interface Protocol {
  readonly name: string
  readonly known: Pattern['known']
  readonly messages: readonly (readonly Token[])[]
  /** how many psk tokens there are: that many 32-byte keys are needed */
  readonly pskCount: number
  /** one-way patterns (N, K, X): only the initiator sends, also after the split */
  readonly oneWay: boolean
}

const NAME =
  /^Noise_([A-Z][A-Z0-9]*)((?:hfs|psk[0-9])(?:\+(?:hfs|psk[0-9]))*)?_25519(\+MLKEM768)?_AESGCM_SHA256$/

/** Builds the token lists of a protocol name; ClawError('malformed') for a name this core does not have. */
export function parseProtocol(name: string): Protocol {
  const [, base = '', modifierText = '', kem] = NAME.exec(name) ?? []
  const found = PATTERNS.get(base)
  const modifiers = modifierText === '' ? [] : modifierText.split('+')
  const hfs = modifiers.includes('hfs')
  if (!found || new Set(modifiers).size !== modifiers.length || hfs !== (kem !== undefined)) {
    throw new ClawError('malformed')
  }
  const plain = found.messages.map((message) => message.split(' ') as Token[])
  // hfs first: its tokens are placed relative to DH tokens, psk tokens only by message.
  const messages = hfs ? addHfs(plain) : plain
  const psks = modifiers.filter((m) => m !== 'hfs').map((m) => Number(m.slice(3)))
  for (const psk of psks) addPsk(messages, psk)
  const oneWay = messages.length === 1
  return { name, known: found.known, messages, pskCount: psks.length, oneWay }
}

/** e1 follows the first e (behind the DH that directly follows it, so that it is encrypted); ekem1 follows the first ee. */
function addHfs(messages: readonly Token[][]): Token[][] {
  const ee = messages.findIndex((tokens) => tokens.includes('ee'))
  if (ee < 0) throw new ClawError('malformed')
  return messages.map((tokens, i) => {
    if (i === 0) return insertAfter(tokens, isDh(tokens[1]) ? tokens[1] : 'e', 'e1')
    return i === ee ? insertAfter(tokens, 'ee', 'ekem1') : tokens
  })
}

function addPsk(messages: Token[][], place: number): void {
  const tokens = messages[Math.max(place - 1, 0)]
  if (!tokens) throw new ClawError('malformed')
  if (place === 0) tokens.unshift('psk')
  else tokens.push('psk')
}

function insertAfter(tokens: readonly Token[], mark: Token, added: Token): Token[] {
  const at = tokens.indexOf(mark) + 1
  return [...tokens.slice(0, at), added, ...tokens.slice(at)]
}

const isDh = (token: Token | undefined): token is DhToken =>
  token === 'ee' || token === 'es' || token === 'se' || token === 'ss'

const NOTHING = new Uint8Array(0)
const TAG_BYTES = 16
const DH_BYTES = 32
const KEM_PUBLIC_BYTES = 1184
const KEM_CIPHERTEXT_BYTES = 1088

/** AES-GCM with the counter of Noise §12.4: four zero bytes and the big-endian n. One operation at a time. */
export class CipherState {
  readonly #aead: Aead
  #n = 0
  #opening = false
  private constructor(aead: Aead) {
    this.#aead = aead
  }

  /** Of a 32-byte key. */
  static async create(backend: CryptoBackend, key: Uint8Array): Promise<CipherState> {
    return new CipherState(await backend.aead(key))
  }

  async seal(aad: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
    // Taken before the await, so that no interleaving can use a nonce twice.
    const nonce = this.#nonce()
    this.#n++
    return this.#aead.seal(nonce, aad, plaintext)
  }

  /** A failed tag is ClawError('crypto') and leaves n as it was. */
  async open(aad: Uint8Array, sealed: Uint8Array): Promise<Uint8Array> {
    if (this.#opening) throw new Error('bug: two reads of a CipherState at once')
    this.#opening = true
    try {
      const plaintext = await this.#aead.open(this.#nonce(), aad, sealed)
      this.#n++
      return plaintext
    } finally {
      this.#opening = false
    }
  }

  #nonce(): Uint8Array {
    if (this.#n >= Number.MAX_SAFE_INTEGER) throw new ClawError('limit')
    return new Writer(12).u32(0).u64(this.#n).done()
  }
}

/** Noise §5.2. */
class SymmetricState {
  readonly #backend: CryptoBackend
  #h: Uint8Array
  #ck: Uint8Array
  #cipher: CipherState | undefined

  constructor(backend: CryptoBackend, protocolName: string) {
    this.#backend = backend
    const name = toUtf8(protocolName)
    this.#h = name.length <= 32 ? concat(name, new Uint8Array(32 - name.length)) : sha256(name)
    this.#ck = this.#h.slice()
  }

  get hash(): Uint8Array {
    return this.#h.slice()
  }
  /** 16 once there is a key, else 0 */
  get tagBytes(): number {
    return this.#cipher ? TAG_BYTES : 0
  }

  mixHash(data: Uint8Array): void {
    this.#h = sha256(this.#h, data)
  }
  async mixKey(input: Uint8Array): Promise<void> {
    const out = this.#expand(input, 64)
    this.#ck = out.slice(0, 32)
    this.#cipher = await CipherState.create(this.#backend, out.slice(32))
  }
  async mixKeyAndHash(psk: Uint8Array): Promise<void> {
    const out = this.#expand(psk, 96)
    this.#ck = out.slice(0, 32)
    this.mixHash(out.slice(32, 64))
    this.#cipher = await CipherState.create(this.#backend, out.slice(64))
  }
  async encryptAndHash(plaintext: Uint8Array): Promise<Uint8Array> {
    const out = this.#cipher ? await this.#cipher.seal(this.#h, plaintext) : plaintext.slice()
    this.mixHash(out)
    return out
  }
  async decryptAndHash(data: Uint8Array): Promise<Uint8Array> {
    const out = this.#cipher ? await this.#cipher.open(this.#h, data) : data.slice()
    this.mixHash(data)
    return out
  }
  split(): [Uint8Array, Uint8Array] {
    const out = this.#expand(NOTHING, 64)
    return [out.slice(0, 32), out.slice(32)]
  }
  /** Noise's HKDF with n outputs is RFC 5869 with the chaining key as salt and no info. */
  #expand(input: Uint8Array, length: number): Uint8Array {
    return hkdf(input, this.#ck, NOTHING, length)
  }
}

export interface NoiseOptions {
  readonly backend: CryptoBackend
  readonly random: RandomBytes
  readonly protocol: Protocol
  readonly initiator: boolean
  readonly prologue: Uint8Array
  readonly staticKey?: DhKey
  /** the peer's static key, 32 bytes, where the pattern says it is known */
  readonly remoteStatic?: Uint8Array
  /** 32 bytes each, in the order of the psk tokens */
  readonly psks?: readonly Uint8Array[]
}

export interface NoiseKeys {
  /** 32 bytes, initiator → responder */
  readonly first: Uint8Array
  /** 32 bytes, responder → initiator; not to be used after a one-way pattern */
  readonly second: Uint8Array
  /** 32 bytes, the channel binding h */
  readonly handshakeHash: Uint8Array
}

/**
 * One side of a handshake (Noise §5.3). Whatever fails, also a call out of turn, is
 * ClawError('handshake-failed') and kills the object.
 */
export class NoiseHandshake {
  readonly #backend: CryptoBackend
  readonly #random: RandomBytes
  readonly #protocol: Protocol
  readonly #initiator: boolean
  readonly #symmetric: SymmetricState
  readonly #static: DhKey | undefined
  readonly #psks: Uint8Array[]
  #ephemeral: DhKey | undefined
  #kem: KemKeys | undefined
  #remoteStatic: Uint8Array | undefined
  #remoteEphemeral: Uint8Array | undefined
  #remoteKem: Uint8Array | undefined
  #turn = 0
  #state: 'ready' | 'busy' | 'dead' = 'ready'

  /** Wrong or missing keys for the pattern are a caller's mistake: Error('bug: …'). */
  constructor(options: NoiseOptions) {
    const { protocol, initiator } = options
    this.#backend = options.backend
    this.#random = options.random
    this.#protocol = protocol
    this.#initiator = initiator
    this.#static = options.staticKey
    this.#remoteStatic = options.remoteStatic?.slice()
    this.#psks = (options.psks ?? []).map((psk) => psk.slice())
    if (this.#psks.length !== protocol.pskCount || this.#psks.some((psk) => psk.length !== 32)) {
      throw new Error('bug: psks do not fit the pattern')
    }
    this.#symmetric = new SymmetricState(options.backend, protocol.name)
    this.#symmetric.mixHash(options.prologue)
    for (const side of protocol.known) this.#mixKnown((side === 'i') === initiator)
  }

  #mixKnown(own: boolean): void {
    const key = own ? this.#static?.publicKey : this.#remoteStatic
    if (key?.length !== DH_BYTES) throw new Error('bug: the pattern needs a static key')
    this.#symmetric.mixHash(key)
  }

  /** The peer's static key, 32 bytes, once known; only a copy. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic?.slice()
  }

  /** Whether every message of the pattern has been written or read. */
  get finished(): boolean {
    return this.#state === 'ready' && this.#turn === this.#protocol.messages.length
  }

  write(payload: Uint8Array): Promise<Uint8Array> {
    const copy = payload.slice()
    return this.#step(true, async (tokens) => {
      const parts: Uint8Array[] = []
      for (const token of tokens) parts.push(await this.#writeToken(token))
      parts.push(await this.#symmetric.encryptAndHash(copy))
      return concat(...parts)
    })
  }

  /** @returns the payload */
  read(message: Uint8Array): Promise<Uint8Array> {
    const reader = new Reader(message.slice(), 'handshake-failed')
    return this.#step(false, async (tokens) => {
      for (const token of tokens) await this.#readToken(token, reader)
      return this.#symmetric.decryptAndHash(reader.rest())
    })
  }

  /** The transport keys; once, after the last message. The object is spent. */
  split(): NoiseKeys {
    if (!this.finished) {
      this.#state = 'dead'
      throw new ClawError('handshake-failed')
    }
    this.#state = 'dead'
    const [first, second] = this.#symmetric.split()
    return { first, second, handshakeHash: this.#symmetric.hash }
  }

  async #step(
    writing: boolean,
    run: (tokens: readonly Token[]) => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const tokens = this.#protocol.messages[this.#turn]
    const mine = (this.#turn % 2 === 0) === this.#initiator
    if (this.#state !== 'ready' || !tokens || mine !== writing) {
      this.#state = 'dead'
      throw new ClawError('handshake-failed')
    }
    this.#state = 'busy'
    const out = await run(tokens).catch(() => undefined)
    // A second call meanwhile has killed the object: then nothing of this one may leave either.
    if (out === undefined || this.#state !== 'busy') {
      this.#state = 'dead'
      throw new ClawError('handshake-failed')
    }
    this.#turn++
    this.#state = 'ready'
    return out
  }

  async #writeToken(token: Token): Promise<Uint8Array> {
    const symmetric = this.#symmetric
    switch (token) {
      case 'e': {
        this.#ephemeral = await this.#backend.dhKey(this.#random(32))
        const key = this.#ephemeral.publicKey.slice()
        await this.#mixEphemeral(key)
        return key
      }
      case 's':
        return symmetric.encryptAndHash(need(this.#static).publicKey)
      case 'e1':
        this.#kem = kemKeys(this.#random(64))
        return symmetric.encryptAndHash(this.#kem.publicKey)
      case 'ekem1': {
        const { ciphertext, sharedSecret } = kemEncapsulate(need(this.#remoteKem), this.#random(32))
        const sealed = await symmetric.encryptAndHash(ciphertext)
        await symmetric.mixKey(sharedSecret)
        return sealed
      }
      default:
        await this.#mixToken(token)
        return NOTHING
    }
  }

  async #readToken(token: Token, reader: Reader): Promise<void> {
    const symmetric = this.#symmetric
    const sealed = (length: number) =>
      symmetric.decryptAndHash(reader.bytes(length + symmetric.tagBytes))
    switch (token) {
      case 'e':
        this.#remoteEphemeral = reader.bytes(DH_BYTES)
        return this.#mixEphemeral(this.#remoteEphemeral)
      case 's':
        this.#remoteStatic = await sealed(DH_BYTES)
        return
      case 'e1':
        this.#remoteKem = await sealed(KEM_PUBLIC_BYTES)
        return
      case 'ekem1': {
        const ciphertext = await sealed(KEM_CIPHERTEXT_BYTES)
        return symmetric.mixKey(kemDecapsulate(ciphertext, need(this.#kem).secretKey))
      }
      default:
        return this.#mixToken(token)
    }
  }

  async #mixEphemeral(key: Uint8Array): Promise<void> {
    this.#symmetric.mixHash(key)
    // Noise §9.2: with a psk the ephemeral key randomises what is encrypted before the first DH.
    if (this.#protocol.pskCount > 0) await this.#symmetric.mixKey(key)
  }

  async #mixToken(token: DhToken | 'psk'): Promise<void> {
    if (token === 'psk') return this.#symmetric.mixKeyAndHash(need(this.#psks.shift()))
    // The first letter names the initiator's key, the second the responder's.
    const [own, peer] = this.#initiator ? [token[0], token[1]] : [token[1], token[0]]
    const key = need(own === 'e' ? this.#ephemeral : this.#static)
    const shared = await key.dh(need(peer === 'e' ? this.#remoteEphemeral : this.#remoteStatic))
    await this.#symmetric.mixKey(shared)
  }
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('bug: a key that the pattern uses is missing')
  return value
}
