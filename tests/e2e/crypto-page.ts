// What a crypto back end makes of fixed inputs, as text: run in Node on node:crypto, and in Chromium on noble and WebCrypto.
import { toHex } from '../../shared/bytes.ts'
import type { CryptoBackend } from '../../shared/crypto.ts'
import { ClawError } from '../../shared/error.ts'
import { startHandshake } from '../../shared/handshake.ts'
import { ed25519Verify, nobleBackend } from '../../shared/noble.ts'
import { Sealer } from '../../shared/session.ts'
import { pickBackend, webcryptoBackend } from '../../web/webcrypto.ts'

/** Bytes that are the same everywhere: i·7 + seed. */
const bytes = (seed: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 255)

const outcome = async (run: () => unknown): Promise<string> => {
  try {
    const value = await run()
    return value instanceof Uint8Array ? toHex(value) : String(value)
  } catch (error) {
    return error instanceof ClawError ? `refused: ${error.code}` : `escaped: ${error}`
  }
}

/** One line a case. */
export async function transcript(backend: CryptoBackend): Promise<string[]> {
  const lines: string[] = []
  const note = async (name: string, run: () => unknown): Promise<void> => {
    lines.push(`${name}: ${await outcome(run)}`)
  }
  const aead = await backend.aead(bytes(1, 32))
  const [nonce, aad] = [bytes(2, 12), bytes(3, 16)]
  for (const length of [0, 1, 15, 16, 17, 16_352]) {
    const sealed = await aead.seal(nonce, aad, bytes(4, length))
    await note(`seal ${length}`, () => sealed)
    await note(`open ${length}`, () => aead.open(nonce, aad, sealed))
    await note(`other tag ${length}`, () => {
      const bad = sealed.slice()
      bad[length] = (bad[length] ?? 0) ^ 1
      return aead.open(nonce, aad, bad)
    })
    await note(`short tag ${length}`, () => aead.open(nonce, aad, sealed.slice(0, -1)))
  }
  await note('short nonce', () => aead.seal(nonce.slice(1), aad, bytes(4, 5)))
  await note('AES-128 key', async () => (await backend.aead(bytes(1, 16))).seal(nonce, aad, aad))
  const key = await backend.dhKey(bytes(5, 32))
  const peer = await backend.dhKey(bytes(6, 32))
  await note('public key', () => key.publicKey)
  await note('shared', () => key.dh(peer.publicKey))
  await note('shared, from the other side', () => peer.dh(key.publicKey))
  await note('all-zero result', () => key.dh(new Uint8Array(32)))
  await note('low order', () =>
    key.dh(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))),
  )
  await note('short peer key', () => key.dh(bytes(6, 31)))
  const sealer = new Sealer({ backend, key: bytes(7, 32), channel: 0, nowMs: 0 })
  for (const nowMs of [0, 900_000]) {
    const frames = await sealer.seal({ type: 3, data: bytes(8, 20_000) }, nowMs)
    for (const [i, frame] of frames.entries()) await note(`frame ${nowMs} ${i}`, () => frame)
  }
  const { m1 } = await startHandshake({
    backend,
    random: (length) => bytes(9, length),
    context: {
      mode: 'connect',
      route: 'direct',
      hostPublicKey: bytes(10, 32),
      hostFingerprint: bytes(11, 32),
      clientFingerprint: bytes(12, 32),
      hint: bytes(13, 8),
      bind: bytes(14, 32),
    },
    root: bytes(15, 32),
    deviceKey: key,
    hostStatic: peer.publicKey,
    timeMs: 1,
  })
  await note('M1', () => m1)
  // Strict: S + L is the same point to a lenient verifier (RFC 8032 §5.1.7).
  await note('non-canonical signature', () =>
    ed25519Verify(bytes(1, 32), aad, new Uint8Array(64).fill(255)),
  )
  return lines
}

declare global {
  function transcripts(): Promise<{ picked: string; noble: string[]; webcrypto: string[] | null }>
}

/** In a page: WebCrypto only where the context has it. */
globalThis.transcripts = async () => ({
  picked: (await pickBackend()).name,
  noble: await transcript(nobleBackend),
  webcrypto: globalThis.crypto.subtle === undefined ? null : await transcript(webcryptoBackend),
})
