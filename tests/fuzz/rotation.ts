// The port machine (SPEC §3.1) under any clock, any answers of the sockets and any persisted plan.
import {
  createRotation,
  currentPort,
  type PlannedEpoch,
  plannedSchedule,
  type RotationEffect,
  type RotationInput,
  type RotationOptions,
  stepRotation,
} from '../../host/rotation.ts'
import { Choices, Dice } from './dice.ts'
import { must, type Target } from './target.ts'

const HOUR = 3_600_000
const OPTIONS: readonly RotationOptions[] = [
  { intervalMs: HOUR, noticeMs: 120_000, graceMs: 300_000, firstPort: 20_000, lastPort: 59_999 },
  { intervalMs: HOUR, noticeMs: 120_000, graceMs: 300_000, firstPort: 2000, lastPort: 2007 },
  { intervalMs: 10_000, noticeMs: 2000, graceMs: 7999, firstPort: 2000, lastPort: 2040 },
]
const MAX_OPEN = 5
const WINDOW = 26

type Unfilled<T> = T extends unknown ? Omit<T, 'nowMs' | 'random'> : never

class Driver {
  readonly options: RotationOptions
  readonly dice = new Dice(1)
  state
  nowMs = 480_000 * HOUR
  wakeAtMs: number | null = null
  saved: readonly PlannedEpoch[] = []
  readonly open = new Set<number>()
  readonly unanswered = new Set<number>()

  constructor(options: RotationOptions) {
    this.options = options
    this.state = createRotation(options)
  }

  send(input: Unfilled<RotationInput>): void {
    const { nowMs, dice } = this
    const before = JSON.stringify(this.state)
    // What a run starts with is what an earlier one has saved.
    if (input.type === 'start' && this.state.phase === 'idle') this.saved = input.planned
    const random = (length: number): Uint8Array => dice.bytes(length)
    const step = stepRotation(this.state, { ...input, nowMs, random } as RotationInput)
    must(JSON.stringify(this.state) === before, 'a step changes nothing that it was given')
    this.state = step.state
    this.wakeAtMs = step.wakeAtMs
    for (const effect of step.effects) this.perform(effect)
    this.check()
  }

  perform(effect: RotationEffect): void {
    switch (effect.type) {
      case 'bind':
        must(!this.open.has(effect.port) && !this.unanswered.has(effect.port), 'binds a port once')
        this.unanswered.add(effect.port)
        break
      case 'close':
        must(this.open.delete(effect.port), 'closes what is open')
        break
      case 'save':
        this.saved = effect.planned
        break
      case 'publish':
        must(
          JSON.stringify(this.saved) === JSON.stringify(plannedSchedule(this.state)),
          'saves before it publishes',
        )
        break
      default:
        must(this.open.has(effect.port), 'names ports that are bound')
    }
  }

  check(): void {
    const { intervalMs, firstPort, lastPort } = this.options
    const ports = [...this.open, ...this.unanswered]
    must(ports.length <= MAX_OPEN, 'at most five sockets')
    must(
      ports.every((port) => port >= firstPort && port <= lastPort),
      'ports of the range only',
    )
    if (this.state.phase === 'idle') return
    const planned = plannedSchedule(this.state)
    const epoch = Math.floor(this.nowMs / intervalMs)
    must(
      planned.length === WINDOW && planned.every((entry, i) => entry.epoch === epoch - 1 + i),
      'plans the previous epoch, this one and the next 24',
    )
    const wait = (this.wakeAtMs ?? 0) - this.nowMs
    must(wait > 0 && wait <= intervalMs, 'wakes at the next switch at the latest')
  }

  answer(port: number, bound: boolean): void {
    // The answer comes from the socket, so it is there before the machine hears of it.
    if (this.unanswered.delete(port) && bound) this.open.add(port)
    this.send({ type: bound ? 'bound' : 'bind-failed', port })
  }

  step(from: Choices): void {
    const kind = from.below(11)
    const [pending] = this.unanswered
    if (kind < 4) {
      this.nowMs = this.moved(kind, from)
      this.send({ type: 'wake' })
    } else if (kind === 4) this.send({ type: 'rotate' })
    else if (kind === 10) this.send({ type: 'redraw' })
    else if (kind === 5) this.send({ type: 'start', planned: planOf(from, this) })
    // An answer to nothing that was asked.
    else if (kind === 6) this.send({ type: 'bind-failed', port: from.below(65_536) })
    // Ports that are all taken for a while.
    else if (kind === 7) this.refuse(from.pick([1, 2, 31, 32, 33]))
    else if (pending !== undefined) this.answer(pending, true)
  }

  refuse(times: number): void {
    for (let i = 0; i < times; i++) {
      const [pending] = this.unanswered
      if (pending !== undefined) this.answer(pending, false)
    }
  }

  moved(kind: number, from: Choices): number {
    const { intervalMs } = this.options
    if (kind === 0) return this.nowMs + from.below(40) * intervalMs
    if (kind === 1) return this.nowMs - from.below(40) * intervalMs
    return kind === 2 ? this.nowMs + from.below(65_536) : (this.wakeAtMs ?? this.nowMs)
  }
}

/** What an earlier run leaves behind: whole windows, of other times where the clock went astray. */
function planOf(from: Choices, driver: Driver): PlannedEpoch[] {
  const { intervalMs, firstPort, lastPort } = driver.options
  const epoch = Math.floor(driver.nowMs / intervalMs)
  const plan = new Map<number, number>()
  for (let windows = from.below(3); windows > 0; windows--) {
    const first = epoch - 1 + from.pick([0, 0, -1, 1, 5, -20, 40])
    const step = 1 + from.below(50)
    for (let i = 0; i < WINDOW; i++) {
      plan.set(first + i, firstPort + ((i * step) % (lastPort - firstPort + 1)))
    }
  }
  return [...plan].map(([at, port]) => ({ epoch: at, port })).sort((a, b) => a.epoch - b.epoch)
}

const answerAll = (driver: Driver): void => {
  for (let rounds = 0; driver.unanswered.size > 0; rounds++) {
    must(rounds < 50, 'binds come to an end')
    for (const port of [...driver.unanswered]) driver.answer(port, true)
  }
}

export const rotation: Target = {
  name: 'rotation',
  maxBytes: 400,
  run(input) {
    const from = new Choices(input)
    const driver = new Driver(from.pick(OPTIONS))
    if (!from.rarely(8)) driver.send({ type: 'start', planned: planOf(from, driver) })
    while (from.more) driver.step(from)
    driver.send({ type: 'start', planned: [] })
    // Nothing is in the way any more: after the pause of failed binds the current port serves.
    driver.nowMs += 1000
    driver.send({ type: 'wake' })
    answerAll(driver)
    const { port, epoch } = currentPort(driver.state)
    must(epoch === Math.floor(driver.nowMs / driver.options.intervalMs), 'serves this epoch')
    must(driver.open.has(port) && port === driver.state.planned[1]?.port, 'on its port')
  },
}
