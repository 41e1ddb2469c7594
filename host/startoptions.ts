// What a host is started with, from the options that hold (host/effective.ts); and what must fit together.
import { TURN_SERVERS_MAX } from '../shared/constants.ts'
import { MEGA_GATEWAY } from '../shared/mega.ts'
import {
  DEFAULT_FILES,
  DEFAULT_PORT_RANGE,
  DEFAULT_ROTATION,
  formatDuration,
  type RotationTimes,
  type StartOptions,
  type StoreOption,
} from './config.ts'
import { type Effective, labelOf } from './effective.ts'
import type { OptionName } from './optiontable.ts'
import type { TurnOption } from './turn.ts'
import { UsageError } from './usage.ts'

const MIN_INTERVAL_MS = 10_000
/** The record carries the interval as a u32. */
const MAX_INTERVAL_MS = 0xffffffff

type Label = (name: OptionName) => string

/** Throws UsageError for values that do not go together. */
export function startOptions(effective: Effective, dataDir: string): StartOptions {
  const { values, origins } = effective
  const label: Label = (name) => labelOf(name, origins[name])
  const stores = values.store ?? []
  if ((values.stun ?? []).length > 2) {
    throw new UsageError(`${label('stun')}: at most two STUN servers.`)
  }
  checkStores(stores, values['deploy-token'] !== null, label)
  return {
    dataDir,
    http: values.http,
    lan: values.lan ?? false,
    takeOver: values['take-over'] ?? false,
    passphraseFile: values['passphrase-file'],
    pageUrl: values.page,
    name: values.name,
    rotation: rotationTimes(effective, label),
    portRange: values['port-range'] ?? DEFAULT_PORT_RANGE,
    udpAddress: values.udp,
    externalAddress: values['external-address'],
    map: values.map ?? true,
    signal: values.signal ?? false,
    files: {
      maxBytes: values['max-file'] ?? DEFAULT_FILES.maxBytes,
      quotaBytes: values['files-quota'] ?? DEFAULT_FILES.quotaBytes,
      memberBytes: values['member-quota'] ?? DEFAULT_FILES.memberBytes,
    },
    keepMs: values.keep ?? 0,
    stores,
    stun: values.stun ?? [],
    turn: turnOption(effective, label),
    pushServices: values['push-service'] ?? [],
    megaApi: megaApi(effective),
    deployToken: values['deploy-token'],
    clockOffsetMs: values['clock-offset'] ?? 0,
  }
}

export const megaApi = ({ values }: Effective): string => values['mega-api'] ?? MEGA_GATEWAY

function turnOption({ values }: Effective, label: Label): TurnOption | null {
  const { turn: servers, 'turn-credential': credential } = values
  if (servers === null || servers.length === 0) return null
  if (servers.length > TURN_SERVERS_MAX) {
    throw new UsageError(`${label('turn')}: at most ${TURN_SERVERS_MAX} TURN servers.`)
  }
  if (credential !== null) return { servers, credential }
  throw new UsageError(
    `${label('turn')}: a TURN server needs turn-credential beside it.`,
    'Set CLAWCHAT_TURN_CREDENTIAL, or turn-credential in the configuration file: secret:SECRET or login:NAME:PASSWORD. It is no flag, since other users of a computer see those.',
  )
}

function checkStores(stores: readonly StoreOption[], token: boolean, label: Label): void {
  if (stores.filter(({ kind }) => kind === 'mega').length > 1) {
    throw new UsageError(`${label('store')}: mega can be given once.`)
  }
  // It must not reach the operator of another store.
  if (token && stores.filter(({ kind }) => kind === 'https').length > 1) {
    throw new UsageError(
      `${label('deploy-token')} goes with one store https:URL only; ${label('store')} has several.`,
    )
  }
}

function rotationTimes({ values }: Effective, label: Label): RotationTimes {
  const { intervalMs, noticeMs, graceMs } = DEFAULT_ROTATION
  const times = {
    intervalMs: values['rotate-every'] ?? intervalMs,
    noticeMs: values.notice ?? noticeMs,
    graceMs: values.grace ?? graceMs,
  }
  const every = label('rotate-every')
  if (times.intervalMs < MIN_INTERVAL_MS) throw new UsageError(`${every} must be at least 10s.`)
  if (times.intervalMs > MAX_INTERVAL_MS) throw new UsageError(`${every} must be at most 49d.`)
  if (times.noticeMs + times.graceMs >= times.intervalMs) {
    const [first, second, whole] = [times.noticeMs, times.graceMs, times.intervalMs].map(
      formatDuration,
    )
    throw new UsageError(
      `${label('notice')} (${first}) and ${label('grace')} (${second}) together must be shorter than ${every} (${whole}).`,
    )
  }
  return times
}
