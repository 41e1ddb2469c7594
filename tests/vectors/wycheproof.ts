// Wycheproof vectors: AES-GCM and X25519 on every back end, the rest on noble, the only one we use for it.
import { concat, equal, isZero } from '../../shared/bytes.ts'
import type { CryptoBackend } from '../../shared/crypto.ts'
import { hkdf } from '../../shared/hash.ts'
import { ed25519Verify, kemDecapsulate, kemEncapsulate, kemKeys } from '../../shared/noble.ts'
import {
  asObject,
  countAt,
  hexAt,
  type JsonObject,
  objectsAt,
  optionalHexAt,
  stringAt,
  VectorFileError,
} from './json.ts'
import { accepts, BACKENDS, type Outcome, passedIf, type Result } from './results.ts'

type Verdict = 'valid' | 'invalid' | 'acceptable'
interface Case {
  readonly group: JsonObject
  readonly test: JsonObject
  readonly verdict: Verdict
}
type OnBackend = (backend: CryptoBackend, test: Case) => Promise<Outcome>

interface Suite {
  readonly everyBackend: boolean
  readonly run: OnBackend
}

/** By the "algorithm" of the file. */
const SUITES: ReadonlyMap<string, Suite> = new Map([
  ['AES-GCM', { everyBackend: true, run: aesGcm }],
  ['XDH', { everyBackend: true, run: x25519 }],
  ['X25519', { everyBackend: true, run: x25519 }],
  ['EDDSA', { everyBackend: false, run: ed25519 }],
  ['HKDF-SHA-256', { everyBackend: false, run: hkdfSha256 }],
  ['ML-KEM', { everyBackend: false, run: mlKem }],
])

/** Runs every test of a parsed file; throws VectorFileError where the file cannot be understood. */
export async function runWycheproof(file: JsonObject): Promise<Result[]> {
  const algorithm = stringAt(file, 'algorithm')
  const suite = SUITES.get(algorithm)
  if (!suite) throw new VectorFileError('an algorithm that this runner does not know')
  const cases = objectsAt(file, 'testGroups').flatMap(readGroup)
  if (cases.length !== countAt(file, 'numberOfTests')) {
    throw new VectorFileError('"numberOfTests" and the tests do not agree')
  }
  const results: Result[] = []
  for (const backend of suite.everyBackend ? BACKENDS : BACKENDS.slice(0, 1)) {
    for (const one of cases) {
      const test = `${algorithm} tcId ${countAt(one.test, 'tcId')}`
      results.push({ backend: backend.name, test, outcome: await suite.run(backend, one) })
    }
  }
  return results
}

const readGroup = (group: JsonObject): Case[] =>
  objectsAt(group, 'tests').map((test) => ({ group, test, verdict: verdictOf(test) }))

function verdictOf(test: JsonObject): Verdict {
  const result = stringAt(test, 'result')
  if (result === 'valid' || result === 'invalid' || result === 'acceptable') return result
  throw new VectorFileError('"result" is none of valid, invalid, acceptable')
}

async function aesGcm(backend: CryptoBackend, { test, verdict }: Case): Promise<Outcome> {
  const [key, nonce, aad] = [hexAt(test, 'key'), hexAt(test, 'iv'), hexAt(test, 'aad')]
  const [message, sealed] = [hexAt(test, 'msg'), concat(hexAt(test, 'ct'), hexAt(test, 'tag'))]
  const seal = async () => (await backend.aead(key)).seal(nonce, aad, message)
  const open = async () => (await backend.aead(key)).open(nonce, aad, sealed)
  if (key.length !== 32) return { skipped: 'key' }
  if (nonce.length !== 12) {
    // Refused by design, so no vector can pass; that it is refused is checked all the same.
    return (await accepts(seal)) || (await accepts(open)) ? 'failed' : { skipped: 'nonce' }
  }
  if (verdict === 'invalid') return passedIf(!(await accepts(open)))
  return passedIf(
    await accepts(async () => equal(await seal(), sealed) && equal(await open(), message)),
  )
}

async function x25519(backend: CryptoBackend, { test, group }: Case): Promise<Outcome> {
  // The asn, pem and jwk files give keys in other encodings, x448 is another curve.
  if (group.type !== 'XdhComp' || group.curve !== 'curve25519') {
    throw new VectorFileError('X25519 tests of another kind or curve')
  }
  const [secret, peer, shared] = [
    hexAt(test, 'private'),
    hexAt(test, 'public'),
    hexAt(test, 'shared'),
  ]
  const agree = async () => (await backend.dhKey(secret)).dh(peer)
  // SPEC §1: the all-zero result is refused; every other "acceptable" one is computed as RFC 7748 says.
  if (isZero(shared)) return passedIf(!(await accepts(agree)))
  return passedIf(await accepts(async () => equal(await agree(), shared)))
}

async function ed25519(_: CryptoBackend, { group, test, verdict }: Case): Promise<Outcome> {
  const key = asObject(group.publicKey, 'publicKey')
  if (key.curve !== 'edwards25519') throw new VectorFileError('another curve than edwards25519')
  const publicKey = hexAt(key, 'pk')
  const verified = ed25519Verify(publicKey, hexAt(test, 'msg'), hexAt(test, 'sig'))
  return passedIf(verified === (verdict === 'valid'))
}

async function hkdfSha256(_: CryptoBackend, { test, verdict }: Case): Promise<Outcome> {
  const [ikm, salt, info] = [hexAt(test, 'ikm'), hexAt(test, 'salt'), hexAt(test, 'info')]
  const size = countAt(test, 'size')
  const expected = hexAt(test, 'okm')
  const derived = await accepts(() => equal(hkdf(ikm, salt, info, size), expected))
  return passedIf(derived === (verdict === 'valid'))
}

async function mlKem(_: CryptoBackend, { group, test, verdict }: Case): Promise<Outcome> {
  if (stringAt(group, 'parameterSet') !== 'ML-KEM-768') return { skipped: 'parameterSet' }
  const run = kemOperation(test)
  return passedIf((await accepts(run)) === (verdict === 'valid'))
}

/** Key generation, decapsulation or encapsulation, by the fields that the test has. */
function kemOperation(test: JsonObject): () => boolean {
  const seed = optionalHexAt(test, 'seed')
  const secretKey = optionalHexAt(test, 'dk')
  const publicKey = optionalHexAt(test, 'ek')
  const ciphertext = optionalHexAt(test, 'c')
  const sharedSecret = optionalHexAt(test, 'K')
  const message = optionalHexAt(test, 'm')
  if (seed) {
    return () => {
      const made = kemKeys(seed)
      return (
        fits(made.publicKey, publicKey) &&
        fits(made.secretKey, secretKey) &&
        (!ciphertext || fits(kemDecapsulate(ciphertext, made.secretKey), sharedSecret))
      )
    }
  }
  if (secretKey && ciphertext)
    return () => fits(kemDecapsulate(ciphertext, secretKey), sharedSecret)
  if (message && publicKey) {
    return () => {
      // Some files of keys to be refused give 64 bytes here, which would be refused for their length alone.
      const made = kemEncapsulate(publicKey, message.slice(0, 32))
      return fits(made.ciphertext, ciphertext) && fits(made.sharedSecret, sharedSecret)
    }
  }
  throw new VectorFileError('an ML-KEM test of no known kind')
}

/** Tests that expect a refusal leave the result empty or out. */
const fits = (made: Uint8Array, expected: Uint8Array | undefined): boolean =>
  expected === undefined || expected.length === 0 || equal(made, expected)
