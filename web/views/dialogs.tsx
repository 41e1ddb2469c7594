// "Security" and "Connection details": the exact terms, for whoever wants to know.
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { ClawErrorCode } from '../../shared/error.ts'
import { formatMoment, formatMs, t } from '../language.ts'
import type { Words } from '../messages/catalogue.ts'
import type { Connection, Security, Step } from '../model.ts'
import { reportOf } from '../report.ts'
import { isByTurn } from '../steps.ts'
import type { Version } from '../version.ts'
import { clockWords, fileWords, formatSpan, wordsOf } from '../words.ts'
import type { ViewProps } from './App.tsx'
import { Dialog } from './Dialog.tsx'
import { PageBuild } from './PageBuild.tsx'
import { RecordFile } from './RecordFile.tsx'
import { SafetyCode } from './SafetyCode.tsx'

/** The minutes and seconds until the next epoch, each second. */
function useCountdown(intervalMs: number | null): string {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  if (intervalMs === null) return t.common.unknown
  const left = Math.ceil((intervalMs - (now % intervalMs)) / 1000)
  return left >= 60
    ? t.security.inMinutes(Math.floor(left / 60), left % 60)
    : t.security.inSeconds(left)
}

export function SecurityDialog({
  state,
  engine,
  version,
  onClose,
}: ViewProps & {
  version: Version
  onClose: () => void
}) {
  const { security, connection } = state
  const connected = connection.state === 'connected'
  return (
    <Dialog name={t.security.title} onClose={onClose}>
      <p class="lead">{t.security.lead}</p>
      {security === null ? (
        <Missing>
          <strong>{t.security.missing}</strong>{' '}
          {connected ? t.security.missingSoon : t.security.missingOffline}
        </Missing>
      ) : (
        <Facts security={security} connection={connection} isLocked={engine.lock.isSet} />
      )}
      <h3>{t.security.devices}</h3>
      {state.devices.length === 0 && <p class="lead">{t.security.noDevices}</p>}
      <ul class="devices">
        {state.devices
          .filter(({ member }) => member === state.me)
          .map((device) => (
            <li key={device.id}>
              {device.name}
              <small>
                {device.here
                  ? t.common.thisBrowser
                  : device.route !== null
                    ? t.common.hereNow
                    : formatMoment(device.lastSeenMs)}
              </small>
            </li>
          ))}
      </ul>
      <PageBuild version={version} />
    </Dialog>
  )
}

const Missing = ({ children }: { children: ComponentChildren }) => (
  <p class="missing" role="note">
    {children}
  </p>
)

const at = (ms: number | null): string => (ms === null ? t.common.notYet : formatMoment(ms))

function routeWords(connection: Connection): string {
  const { route } = connection
  if (route === null) return t.security.notConnected
  return isByTurn(connection) ? t.security.byTurn : t.security.routes[route]
}

const CIPHERS = 'AES-256-GCM, X25519 + ML-KEM-768'

interface FactsProps {
  readonly security: Security
  readonly connection: Connection
  /** a PIN stands before what is kept here */
  readonly isLocked: boolean
}

function Facts({ security, connection, isLocked }: FactsProps) {
  const next = useCountdown(security.intervalMs)
  return (
    <>
      <dl>
        <dt>{t.security.route}</dt>
        <dd>{routeWords(connection)}</dd>
        <dt>{t.security.encryption}</dt>
        <dd>
          <bdi dir="ltr">{CIPHERS}</bdi>
        </dd>
        <dt>{t.security.host}</dt>
        <dd class="mono">
          <bdi dir="ltr">{security.hostFingerprint}</bdi>
        </dd>
        {security.knownSinceMs !== null && (
          <>
            <dt>{t.security.knownSince}</dt>
            <dd>{formatMoment(security.knownSinceMs)}</dd>
          </>
        )}
        <dt>{t.security.keysRenewed}</dt>
        <dd>{t.security.keysRenewedAt(at(security.keysRenewedAtMs))}</dd>
        <dt>{t.security.messageKey}</dt>
        <dd>{t.security.messageKeyAt(at(security.messageKeyAtMs))}</dd>
        <dt>{t.security.addressKeys}</dt>
        <dd>{t.security.addressKeysAt(at(security.recordAtMs))}</dd>
        <dt>{t.security.epoch}</dt>
        <dd>{connection.epoch ?? t.common.unknown}</dd>
        <dt>{t.security.portMoves}</dt>
        <dd>{t.security.portMovesIn(next)}</dd>
        <dt>{t.security.kept}</dt>
        <dd>{isLocked ? t.security.keptBehindPin : t.security.keptBare}</dd>
        <dt>{t.security.yourKey}</dt>
        <dd>{security.keyProtected ? t.security.keyProtected : t.security.keyReadable}</dd>
      </dl>
      <h3>{t.security.safetyCode}</h3>
      {security.safetyCode.length === 0 ? (
        <Missing>
          <strong>{t.security.noCode}</strong> {t.security.noCodeWhy}
        </Missing>
      ) : (
        <SafetyCode code={security.safetyCode} lead={t.security.sameNumbers} />
      )}
    </>
  )
}

const GLYPH: Record<Step['status'], string> = {
  waiting: '·',
  running: '…',
  done: '✓',
  failed: '✕',
  skipped: '–',
}

const aged = (ms: number): string =>
  ms < 60_000 ? t.details.justNow : t.details.old(formatSpan(ms))

function recordFacts(facts: Step['facts']): string {
  const cause = facts.cause as ClawErrorCode | undefined
  const age = aged(Number(facts.ageMs))
  const source =
    cause === undefined
      ? t.details.stores(Number(facts.stores), Number(facts.asked), age)
      : t.details.schedule(wordsOf(cause).what, age)
  return facts.stale === 1 ? `${source} ${wordsOf('record-stale').what}` : source
}

function factsOf({ name, status, facts }: Step): string {
  if (status !== 'done') return ''
  if (name === 'record') return recordFacts(facts)
  if (name === 'direct') return t.details.addresses(Number(facts.addresses))
  if (name === 'mailbox' && facts.turn === 1) return t.details.byTurn
  return ''
}

/** A step's outcome in a sentence or two. */
function outcomeOf(step: Step): string {
  const { code, name, status, facts } = step
  const said = code === null ? factsOf(step) : `${wordsOf(code).why} ${wordsOf(code).next}`
  const isDeaf = name === 'mailbox' && status !== 'done' && hasNoStun(facts)
  return isDeaf ? `${t.details.noStun} ${said}`.trim() : said
}

/** A path by UDP that fails, and no server that heard this browser: that says why. */
const hasNoStun = ({ stun, reflexive }: Step['facts']): boolean =>
  Number(stun) > 0 && reflexive === 0

/** Why a step failed, or went well another way than usual. */
const codeOfStep = ({ code, facts }: Step): string | undefined =>
  code ?? (facts.cause === undefined ? undefined : String(facts.cause))

export function DetailsDialog({ state, engine, onClose }: ViewProps & { onClose: () => void }) {
  const { clock, connection, handover } = state
  const connected = connection.state === 'connected'
  const wrong = handover === null || handover === 'taken' ? null : fileWords(handover)
  return (
    <Dialog
      name={t.details.title}
      onClose={onClose}
      beside={
        <button type="button" class="quiet" onClick={() => engine.retry()}>
          {t.common.tryAgain}
        </button>
      }
    >
      <p class="lead">{connected ? t.details.connected : t.details.looking}</p>
      {clock !== null && <Said words={clockWords(clock)} />}
      <ol class="steps">
        {connection.steps.map((step) => (
          <li
            key={step.name}
            class={step.status}
            data-step={step.name}
            data-code={codeOfStep(step)}
            data-ms={step.ms ?? undefined}
          >
            <span aria-hidden="true">{GLYPH[step.status]}</span>
            <span>
              {t.details.steps[step.name]}
              <span class="sr-only">: {t.details.statuses[step.status]}</span>
              <small>{outcomeOf(step)}</small>
            </span>
            <span class="time">{step.ms === null ? '' : formatMs(step.ms)}</span>
          </li>
        ))}
      </ol>
      <details class="report">
        <summary>{t.details.report}</summary>
        <p class="lead">{t.details.reportLead}</p>
        <pre dir="ltr">{reportOf(state, navigator.userAgent)}</pre>
        {isSecureContext && (
          <button
            type="button"
            class="quiet small"
            onClick={() =>
              void navigator.clipboard
                .writeText(reportOf(state, navigator.userAgent))
                .catch(() => undefined)
            }
          >
            {t.details.copyReport}
          </button>
        )}
      </details>
      <h3>{t.details.noStore}</h3>
      <p class="lead">{t.details.noStoreLead}</p>
      <div class="notes" aria-live="polite">
        {wrong !== null && <Said words={wrong} />}
        {handover === 'taken' && <p class="missing">{t.file.taken}</p>}
      </div>
      <RecordFile engine={engine} />
    </Dialog>
  )
}

const Said = ({ words: { what, why, next } }: { words: Words }) => (
  <Missing>
    <strong>{what}</strong> {why} {next}
  </Missing>
)
