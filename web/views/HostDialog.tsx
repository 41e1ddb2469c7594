// "The host", for its owner: what lies on its disk, how its stores are, when its port moves, what the router does.
import { useEffect } from 'preact/hooks'
import type { Overview, PortPeriod, StoreHealth } from '../../shared/overview.ts'
import type { ViewProps } from './App.tsx'
import { Dialog, when } from './dialogs.tsx'

const WORDS = {
  away: ['The host is not connected.', 'What is shown here comes from it.'],
  asking: 'Asking the host…',
  failed: 'The host gave no answer. Press “Look again”.',
  again: 'Look again',
  disk: 'On its disk',
  database: 'Messages and keys',
  files: 'Files',
  free: 'Still free',
  messages: (n: number) => (n === 1 ? 'one message' : `${n.toLocaleString()} messages`),
  stores: 'Where it is found',
  newest: 'has the newest address',
  older: 'has an older address; the host goes on trying',
  waiting: 'has no address of this run yet',
  failing: (code: string) => `fails: ${code}. “clawchat doctor” on the host says what to do.`,
  ports: 'When its port moves',
  before: 'closed',
  now: 'open now',
  next: 'drawn already',
  router: 'Router',
  routerFine: 'hands the port on',
  routerOff: 'is not asked (--no-map)',
  routerNot: (code: string) => `${code}. “clawchat doctor --router” on the host says what to do.`,
} as const

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** 1536 → "1.5 KiB". */
export function sizeWords(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  const amount = bytes / 1024 ** power
  const digits = power > 0 && amount < 10 ? 1 : 0
  return `${amount.toLocaleString(undefined, { maximumFractionDigits: digits })} ${UNITS[power]}`
}

export function HostDialog({ state, engine, onClose }: ViewProps & { onClose: () => void }) {
  const asked = state.asked?.kind === 'overview' ? state.asked : null
  const connected = state.connection.state === 'connected'
  useEffect(() => {
    if (connected) engine.ask.overview()
  }, [connected])
  const close = (): void => {
    engine.ask.dismiss()
    onClose()
  }
  const again = (
    <button
      type="button"
      class="quiet"
      disabled={!connected || asked?.status === 'running'}
      onClick={() => engine.ask.overview()}
    >
      {WORDS.again}
    </button>
  )
  return (
    <Dialog name="The host" onClose={close} beside={again}>
      {!connected && (
        <p class="missing" role="note">
          <strong>{WORDS.away[0]}</strong> {WORDS.away[1]}
        </p>
      )}
      <div aria-live="polite" aria-busy={asked?.status === 'running'}>
        {asked?.status === 'running' && <p class="lead">{WORDS.asking}</p>}
        {asked?.status === 'failed' && (
          <p class="missing" role="alert" data-code={asked.code ?? undefined}>
            {WORDS.failed}
          </p>
        )}
        {asked?.overview && <Facts overview={asked.overview} />}
      </div>
    </Dialog>
  )
}

function Facts({ overview }: { overview: Overview }) {
  const { databaseBytes, filesBytes, freeBytes, messages, stores, seq, router } = overview
  return (
    <>
      <h3>{WORDS.disk}</h3>
      <dl>
        <dt>{WORDS.database}</dt>
        <dd>
          {sizeWords(databaseBytes)}, {WORDS.messages(messages)}
        </dd>
        <dt>{WORDS.files}</dt>
        <dd>{sizeWords(filesBytes)}</dd>
        <dt>{WORDS.free}</dt>
        <dd>{sizeWords(freeBytes)}</dd>
      </dl>
      <h3>{WORDS.stores}</h3>
      <dl>
        {stores.map((store) => (
          <Store key={store.name} store={store} seq={seq} />
        ))}
      </dl>
      <h3>{WORDS.ports}</h3>
      <Ports {...overview} />
      <h3>{WORDS.router}</h3>
      <dl>
        {router.map((code, i) => (
          <Family key={i} name={i === 0 ? 'IPv4' : 'IPv6'} code={code} />
        ))}
      </dl>
    </>
  )
}

function Store({ store: { name, seq, code }, seq: newest }: { store: StoreHealth; seq: number }) {
  const fine = seq === newest ? WORDS.newest : seq === 0 ? WORDS.waiting : WORDS.older
  return (
    <>
      <dt>{name}</dt>
      <dd class={code === '' ? 'well' : 'failing'}>{code === '' ? fine : WORDS.failing(code)}</dd>
    </>
  )
}

function routerWords(code: string): string {
  if (code === '') return WORDS.routerFine
  return code === 'off' ? WORDS.routerOff : WORDS.routerNot(code)
}

const Family = ({ name, code }: { name: string; code: string }) => (
  <>
    <dt>{name}</dt>
    <dd>{routerWords(code)}</dd>
  </>
)

/** The current port is the last one that is named. */
function Ports({ ports, intervalMs }: Overview) {
  const current = ports.findLast(({ port }) => port !== 0)?.epoch
  const words = ({ epoch, port }: PortPeriod): string => {
    if (port === 0) return WORDS.next
    return `${port}, ${epoch === current ? WORDS.now : WORDS.before}`
  }
  return (
    <ol class="timeline">
      {ports.map((period) => (
        <li key={period.epoch} aria-current={period.epoch === current ? 'time' : undefined}>
          <time dateTime={new Date(period.epoch * intervalMs).toISOString()}>
            {when(period.epoch * intervalMs)}
          </time>
          <span>{words(period)}</span>
        </li>
      ))}
    </ol>
  )
}
