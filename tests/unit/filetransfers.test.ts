// Which blocks go next (web/transfers.ts), alone and against a host and a carrier that break at any moment.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  NO_TRANSFERS,
  stepTransfers,
  type TransferEffect,
  type TransferInput,
  type TransfersState,
} from '../../web/transfers.ts'

const WINDOW = 8

class Machine {
  state: TransfersState = NO_TRANSFERS
  effects: TransferEffect[] = []
  feed(input: TransferInput): TransferEffect[] {
    const [next, effects] = stepTransfers(this.state, input)
    this.state = next
    this.effects.push(...effects)
    return [...effects]
  }
  get(id: string) {
    return this.state.all.find((each) => each.id === id)
  }
  get onWay(): number {
    return this.state.all.reduce((sum, { sent, next }) => sum + sent - next, 0)
  }
}

const up = (id: string, blocks: number) =>
  ({ type: 'add', id, way: 'up', blocks, next: 0, isPaused: false }) as const
const down = (id: string, blocks: number, next = 0) =>
  ({ type: 'add', id, way: 'down', blocks, next, isPaused: false }) as const

describe('one carrier', () => {
  test('nothing goes without one; then an upload is offered first, and a download is asked for', () => {
    const machine = new Machine()
    expect(machine.feed(up('a', 3))).toEqual([])
    expect(machine.feed(down('b', 2))).toEqual([])
    expect(machine.feed({ type: 'live', window: WINDOW })).toEqual([
      { type: 'offer', id: 'a' },
      { type: 'fetch', id: 'b', index: 0 },
      { type: 'fetch', id: 'b', index: 1 },
    ])
    expect(machine.feed({ type: 'at', id: 'a', blocks: 1 })).toEqual([
      { type: 'put', id: 'a', index: 1 },
      { type: 'put', id: 'a', index: 2 },
    ])
  })

  test('the window is shared: none waits for the end of another', () => {
    const machine = new Machine()
    machine.feed({ type: 'live', window: WINDOW })
    machine.feed(down('a', 1000))
    expect(machine.onWay).toBe(WINDOW)
    machine.feed(down('b', 1000))
    for (let i = 1; i <= 20; i++) machine.feed({ type: 'at', id: 'a', blocks: i })
    expect(machine.onWay).toBe(WINDOW)
    expect(machine.get('b')?.sent).toBeGreaterThanOrEqual(WINDOW / 2)
  })

  test('what is paused asks for nothing more; what goes on begins where it was', () => {
    const machine = new Machine()
    machine.feed({ type: 'live', window: 2 })
    machine.feed(down('a', 9))
    machine.feed({ type: 'pause', id: 'a' })
    expect(machine.feed({ type: 'at', id: 'a', blocks: 2 })).toEqual([])
    expect(machine.feed({ type: 'resume', id: 'a' })).toEqual([
      { type: 'fetch', id: 'a', index: 2 },
      { type: 'fetch', id: 'a', index: 3 },
    ])
  })

  test('an upload that is cancelled is dropped; one that failed is offered anew', () => {
    const machine = new Machine()
    machine.feed({ type: 'live', window: 2 })
    machine.feed(up('a', 9))
    machine.feed({ type: 'failed', id: 'a', code: 'file-quota' })
    expect(machine.get('a')).toMatchObject({ phase: 'failed', code: 'file-quota' })
    expect(machine.feed({ type: 'resume', id: 'a' })).toEqual([{ type: 'offer', id: 'a' }])
    expect(machine.feed({ type: 'remove', id: 'a' })).toEqual([{ type: 'drop', id: 'a' }])
    expect(machine.state.all).toEqual([])
  })

  test('a file of nothing is finished at once', () => {
    const machine = new Machine()
    machine.feed({ type: 'live', window: 2 })
    expect(machine.feed(down('a', 0))).toEqual([{ type: 'finish', id: 'a' }])
    machine.feed(up('b', 0))
    expect(machine.feed({ type: 'at', id: 'b', blocks: 0 })).toEqual([{ type: 'finish', id: 'b' }])
  })
})

test('whatever breaks, every file comes through once, in order, within the window', () => {
  const file = fc.record({
    way: fc.constantFrom('up' as const, 'down' as const),
    blocks: fc.nat(30),
  })
  const files = fc.array(file, { minLength: 1, maxLength: 4 })
  // What happens next: something is answered, or the carrier breaks, or a person interferes.
  const moves = fc.array(fc.tuple(fc.nat(9), fc.nat(99)), { maxLength: 400 })
  const property = fc.property(files, moves, (all, steps) => {
    const machine = new Machine()
    const stored = new Map<string, number>()
    let inFlight: TransferEffect[] = []
    const say = (effects: readonly TransferEffect[]): void => {
      inFlight.push(...effects.filter(({ type }) => type !== 'finish' && type !== 'drop'))
      expect(machine.onWay).toBeLessThanOrEqual(WINDOW)
    }
    const answer = (): void => {
      const effect = inFlight.shift()
      if (effect === undefined) return
      const { id } = effect
      const has = stored.get(id) ?? 0
      // Host and page alike take exactly the next block.
      if ('index' in effect && effect.index === has) stored.set(id, has + 1)
      if (machine.get(id) !== undefined)
        say(machine.feed({ type: 'at', id, blocks: stored.get(id) ?? 0 }))
    }
    for (const [i, { way, blocks }] of all.entries())
      say(machine.feed({ type: 'add', id: `${i}`, way, blocks, next: 0, isPaused: false }))
    for (const [move, which] of [...steps, [8, 0] as const]) {
      const id = `${which % all.length}`
      if (move < 6) answer()
      else if (move === 6) say(machine.feed({ type: 'pause', id }))
      else if (move === 7) say(machine.feed({ type: 'resume', id }))
      else {
        inFlight = []
        machine.feed({ type: 'rest' })
        say(machine.feed({ type: 'live', window: WINDOW }))
      }
    }
    for (const i of all.keys()) say(machine.feed({ type: 'resume', id: `${i}` }))
    while (inFlight.length > 0) answer()
    for (const [i, { blocks }] of all.entries()) {
      expect([machine.get(`${i}`)?.phase, stored.get(`${i}`) ?? 0]).toEqual(['done', blocks])
      const finished = machine.effects.filter((e) => e.type === 'finish' && e.id === `${i}`)
      expect(finished).toHaveLength(1)
    }
  })
  fc.assert(property, { numRuns: 300 })
})
