// "The host", for its owner: what lies on its disk, how its stores are, when its port moves, what the router does.
import { useEffect } from 'preact/hooks'
import type { Overview, PortPeriod, StoreHealth } from '../../shared/overview.ts'
import { formatMoment, formatSize, t } from '../language.ts'
import { formatLife } from '../life.ts'
import type { ViewProps } from './App.tsx'
import { Dialog } from './Dialog.tsx'

const FAMILIES = ['IPv4', 'IPv6']

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
      {t.host.again}
    </button>
  )
  return (
    <Dialog name={t.host.title} onClose={close} beside={again}>
      {!connected && (
        <p class="missing" role="note">
          <strong>{t.host.away}</strong> {t.host.awayWhy}
        </p>
      )}
      <div aria-live="polite" aria-busy={asked?.status === 'running'}>
        {asked?.status === 'running' && <p class="lead">{t.host.asking}</p>}
        {asked?.status === 'failed' && (
          <p class="missing" role="alert" data-code={asked.code ?? undefined}>
            {t.host.failed}
          </p>
        )}
        {asked?.overview && <Facts overview={asked.overview} keepMs={state.keepMs} />}
      </div>
    </Dialog>
  )
}

function Facts({ overview, keepMs }: { overview: Overview; keepMs: number }) {
  const { databaseBytes, filesBytes, freeBytes, messages, stores, seq, router } = overview
  return (
    <>
      <h3>{t.host.disk}</h3>
      <dl>
        <dt>{t.host.database}</dt>
        <dd>
          {formatSize(databaseBytes)}, {t.host.messages(messages)}
        </dd>
        <dt>{t.host.kept}</dt>
        <dd>{keepMs === 0 ? t.host.keptAlways : formatLife(keepMs)}</dd>
        <dt>{t.host.files}</dt>
        <dd>{formatSize(filesBytes)}</dd>
        <dt>{t.host.free}</dt>
        <dd>{formatSize(freeBytes)}</dd>
      </dl>
      <h3>{t.host.stores}</h3>
      <dl>
        {stores.map((store) => (
          <Store key={store.name} store={store} seq={seq} />
        ))}
      </dl>
      <h3>{t.host.ports}</h3>
      <Ports {...overview} />
      <h3>{t.host.router}</h3>
      <dl>
        {router.map((code, i) => (
          <Family key={i} name={FAMILIES[i] ?? ''} code={code} />
        ))}
      </dl>
    </>
  )
}

function Store({ store: { name, seq, code }, seq: newest }: { store: StoreHealth; seq: number }) {
  const fine = seq === newest ? t.host.newest : seq === 0 ? t.host.waiting : t.host.older
  return (
    <>
      <dt>{name}</dt>
      <dd class={code === '' ? 'well' : 'failing'}>{code === '' ? fine : t.host.failing(code)}</dd>
    </>
  )
}

function routerWords(code: string): string {
  if (code === '') return t.host.routerFine
  if (code === 'off') return t.host.routerOff
  // One that has no words here is a newer host's.
  return isRouterWord(code) ? t.host.routers[code] : t.host.routerNot(code)
}

const isRouterWord = (code: string): code is keyof typeof t.host.routers => code in t.host.routers

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
    if (port === 0) return t.host.next
    return `${port}, ${epoch === current ? t.host.now : t.host.before}`
  }
  return (
    <ol class="timeline">
      {ports.map((period) => (
        <li key={period.epoch} aria-current={period.epoch === current ? 'time' : undefined}>
          <time dateTime={new Date(period.epoch * intervalMs).toISOString()}>
            {formatMoment(period.epoch * intervalMs)}
          </time>
          <span>{words(period)}</span>
        </li>
      ))}
    </ol>
  )
}
