// "Security" and "Connection details": the exact terms, for whoever wants to know.
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Route } from '../../shared/constants.ts'
import type { ClawErrorCode } from '../../shared/error.ts'
import type { AppState, Connection, Security, Step } from '../model.ts'
import { reportOf } from '../report.ts'
import { clockWords, fileWords, formatSpan, TAKEN, WORDS, type Words } from '../words.ts'
import type { ViewProps } from './App.tsx'
import { RecordFile } from './RecordFile.tsx'

export function Dialog({
  name,
  onClose,
  beside,
  children,
}: {
  name: string
  onClose: () => void
  /** buttons beside "Close" */
  beside?: ComponentChildren
  children: ComponentChildren
}) {
  const element = useRef<HTMLDialogElement>(null)
  // showModal traps the focus, closes on Escape and gives the focus back.
  useLayoutEffect(() => element.current?.showModal(), [])
  return (
    <dialog ref={element} aria-label={name} onClose={onClose}>
      <h2>{name}</h2>
      <div class="body">{children}</div>
      <p class="row">
        {beside}
        <button type="button" class="primary" onClick={() => element.current?.close()}>
          Close
        </button>
      </p>
    </dialog>
  )
}

export const when = (ms: number): string =>
  new Date(ms).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** The minutes and seconds until the next epoch, each second. */
function useCountdown(intervalMs: number | null): string {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  if (intervalMs === null) return 'unknown'
  const left = Math.ceil((intervalMs - (now % intervalMs)) / 1000)
  return left >= 60 ? `in ${Math.floor(left / 60)} min ${left % 60} s` : `in ${left} s`
}

export function SecurityDialog({ state, onClose }: { state: AppState; onClose: () => void }) {
  const { security, connection } = state
  const connected = connection.state === 'connected'
  return (
    <Dialog name="Security" onClose={onClose}>
      <p class="lead">
        Only this browser and the host hold the keys. The host is its owner’s own machine and keeps
        the history.
      </p>
      {security === null ? (
        <Missing>
          <strong>Host, keys and safety code are not known yet.</strong>{' '}
          {connected
            ? 'This browser is just learning them. Wait a moment: they appear here by themselves.'
            : 'They come with the first connection to the host. Close this and press “Connection details” to see what it waits for.'}
        </Missing>
      ) : (
        <Facts security={security} connection={connection} />
      )}
      <h3>Your devices</h3>
      {state.devices.length === 0 && (
        <p class="lead">The host tells them once this browser is connected.</p>
      )}
      <ul class="devices">
        {state.devices
          .filter(({ member }) => member === state.me)
          .map((device) => (
            <li key={device.id}>
              {device.name}
              <small>
                {device.here
                  ? 'this browser'
                  : device.route !== null
                    ? 'here now'
                    : when(device.lastSeenMs)}
              </small>
            </li>
          ))}
      </ul>
    </Dialog>
  )
}

const Missing = ({ children }: { children: ComponentChildren }) => (
  <p class="missing" role="note">
    {children}
  </p>
)

const ROUTE_WORDS: Record<Route, string> = {
  direct: 'Direct, nothing in between',
  signal: 'Direct, nothing in between',
  mailbox: 'Direct, through both routers',
  relay: 'Through a relay that sees sealed messages only',
}

const at = (ms: number | null): string => (ms === null ? 'not yet' : when(ms))

function Facts({ security, connection }: { security: Security; connection: Connection }) {
  const next = useCountdown(security.intervalMs)
  return (
    <>
      <dl>
        <dt>Route</dt>
        <dd>{connection.route === null ? 'Not connected' : ROUTE_WORDS[connection.route]}</dd>
        <dt>Encryption</dt>
        <dd>AES-256-GCM, X25519 + ML-KEM-768</dd>
        <dt>Host</dt>
        <dd class="mono">{security.hostFingerprint}</dd>
        {security.knownSinceMs !== null && (
          <>
            <dt>Known since</dt>
            <dd>{when(security.knownSinceMs)}</dd>
          </>
        )}
        <dt>Keys renewed</dt>
        <dd>{at(security.keysRenewedAtMs)}, with each connection, every 6 hours at the latest</dd>
        <dt>Message key</dt>
        <dd>{at(security.messageKeyAtMs)}, changes every 15 minutes</dd>
        <dt>Address keys</dt>
        <dd>{at(security.recordAtMs)}, with each address that the host publishes</dd>
        <dt>Port epoch</dt>
        <dd>{connection.epoch ?? 'unknown'}</dd>
        <dt>Port moves</dt>
        <dd>{next}, to another port with another certificate</dd>
        <dt>Your key</dt>
        <dd>
          {security.keyProtected
            ? 'cannot be copied out of this browser'
            : 'readable by this page: the browser cannot lock it'}
        </dd>
      </dl>
      <h3>Safety code</h3>
      {security.safetyCode.length === 0 ? (
        <Missing>
          <strong>There is no safety code yet.</strong> It is made of the host’s key and this
          browser’s own, and this browser has none so far. Join with your link; the code then stands
          here.
        </Missing>
      ) : (
        <>
          <p class="code">
            {security.safetyCode.map((group, i) => (
              <span key={i}>{` ${group} `}</span>
            ))}
          </p>
          <p class="lead">Same numbers on the host? Then nobody sits between you.</p>
        </>
      )}
    </>
  )
}

const STEP_NAMES: Record<Step['name'], string> = {
  record: 'Find the host',
  verify: 'Check its signature',
  direct: 'Direct route',
  handshake: 'Agree on keys',
  mailbox: 'Through both routers',
  relay: 'Through a relay',
  sync: 'Bring both up to date',
}
const GLYPH: Record<Step['status'], string> = {
  waiting: '·',
  running: '…',
  done: '✓',
  failed: '✕',
  skipped: '–',
}

const aged = (ms: number): string =>
  ms < 60_000 ? 'less than a minute old' : `${formatSpan(ms)} old`

function recordFacts(facts: Step['facts']): string {
  const cause = facts.cause as ClawErrorCode | undefined
  const source =
    cause === undefined
      ? `${facts.stores} of ${facts.asked} stores agree`
      : `found by schedule, from the copy kept here. ${WORDS[cause].what}`
  const stale = facts.stale === 1 ? ` ${WORDS['record-stale'].what}` : ''
  return cause === undefined
    ? `${source}, ${aged(Number(facts.ageMs))}.${stale}`
    : `${source} The copy is ${aged(Number(facts.ageMs))}.${stale}`
}

function factsOf({ name, status, facts }: Step): string {
  if (status !== 'done') return ''
  if (name === 'record') return recordFacts(facts)
  if (name === 'direct') return `${facts.addresses} addresses tried at once`
  return ''
}

/** Why a step failed, or went well another way than usual. */
const codeOfStep = ({ code, facts }: Step): string | undefined =>
  code ?? (facts.cause === undefined ? undefined : String(facts.cause))

export function DetailsDialog({ state, engine, onClose }: ViewProps & { onClose: () => void }) {
  const { clock, connection, handover } = state
  const connected = connection.state === 'connected'
  const wrong = handover === null || handover === 'taken' ? null : fileWords(handover)
  return (
    <Dialog
      name="Connection details"
      onClose={onClose}
      beside={
        <button type="button" class="quiet" onClick={() => engine.retry()}>
          Try again
        </button>
      }
    >
      <p class="lead">
        {connected
          ? 'Connected.'
          : 'Looking for the host. Your messages are kept here and go out by themselves.'}
      </p>
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
              {STEP_NAMES[step.name]}
              <span class="sr-only">: {step.status}</span>
              <small>
                {step.code === null
                  ? factsOf(step)
                  : `${WORDS[step.code].why} ${WORDS[step.code].next}`}
              </small>
            </span>
            <span class="time">{step.ms === null ? '' : `${step.ms} ms`}</span>
          </li>
        ))}
      </ol>
      <details class="report">
        <summary>Report for whoever helps you</summary>
        <p class="lead">It names nobody, no address, no key and no text.</p>
        <pre>{reportOf(state, navigator.userAgent)}</pre>
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
            Copy the report
          </button>
        )}
      </details>
      <h3>Without any store</h3>
      <p class="lead">
        The owner can give you the host’s address as a file, record.bin: open it here, or drop it on
        this page.
      </p>
      <div class="notes" aria-live="polite">
        {wrong !== null && <Said words={wrong} />}
        {handover === 'taken' && <p class="missing">{TAKEN}</p>}
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
