// A PIN or passphrase before the store keys (SPEC §11.1): scrypt, in steps that let the page draw. Loaded where there is one.
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { concat, toUtf8 } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import { gcmOpen, gcmSeal } from '../shared/noble.ts'
import type { Device } from './device.ts'
import type { PinLock } from './schema.ts'
import { drawKey, type StoreKeys } from './vault.ts'

/** log2 of scrypt's N: 128 MiB, measured in docs/DESIGN.md ("What a browser keeps"). */
export const COST = 17
const BLOCK_SIZE = 8
const KEY_BYTES = 32
const LABEL = 'clawchat/v1 pin'
// The key of a salt seals once.
const NONCE = new Uint8Array(12)

/** Between 0 and 1, now and then. */
export type OnProgress = (done: number) => void

/** A fresh salt each time. */
export async function closeLock(
  keys: StoreKeys,
  pin: string,
  revision: number,
  onProgress: OnProgress,
  cost = COST,
): Promise<PinLock> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const key = await keyOf(pin, salt, cost, onProgress)
  const sealed = gcmSeal(key, NONCE, aadOf(cost, salt), concat(...keys))
  return { revision, kind: 'pin', cost, salt, sealed }
}

/** Throws ClawError('passphrase-wrong'). */
export async function openLock(
  { cost, salt, sealed }: PinLock,
  pin: string,
  onProgress: OnProgress,
): Promise<StoreKeys> {
  const key = await keyOf(pin, salt, cost, onProgress)
  try {
    const keys = gcmOpen(key, NONCE, aadOf(cost, salt), sealed)
    return Array.from({ length: keys.length / KEY_BYTES }, (_, n) =>
      keys.slice(n * KEY_BYTES, (n + 1) * KEY_BYTES),
    )
  } catch {
    throw new ClawError('passphrase-wrong')
  }
}

/**
 * Sets a PIN, another one, or none (`next` null). Throws ClawError: `passphrase-wrong`; `superseded` where another tab was
 * quicker. Then nothing has changed.
 */
export async function relock(
  device: Pick<Device, 'lock' | 'relock'>,
  current: string,
  next: string | null,
  onProgress: OnProgress,
): Promise<void> {
  const { lock } = device
  const share = lock.kind === 'pin' && next !== null ? 0.5 : 1
  const known =
    lock.kind === 'open'
      ? lock.keys
      : await openLock(lock, current, (done) => onProgress(done * share))
  const revision = lock.revision + 1
  if (next === null) return device.relock({ revision, kind: 'open', keys: known }, known)
  // What lay on the disk so far may be found there still, and so may its key: what is written from now on has another.
  const keys = [...known, drawKey()]
  const closed = await closeLock(keys, next, revision, (done) => onProgress(1 - share * (1 - done)))
  return device.relock(closed, keys)
}

/** Keyboards write the same letter in more than one way. */
function keyOf(pin: string, salt: Uint8Array, cost: number, onProgress: OnProgress) {
  const options = { N: 2 ** cost, r: BLOCK_SIZE, p: 1, dkLen: KEY_BYTES, onProgress }
  return scryptAsync(toUtf8(pin.normalize('NFKC')), salt, options)
}

const aadOf = (cost: number, salt: Uint8Array): Uint8Array =>
  concat(toUtf8(LABEL), Uint8Array.of(cost), salt)
