// Which blocks of which files go next (SPEC §6.5): pure. One window for all files of a carrier, shared so that none starves.
import type { ClawErrorCode } from '../shared/error.ts'

export interface Transfer {
  /** of the message, hex */
  readonly id: string
  readonly way: 'up' | 'down'
  readonly blocks: number
  /** blocks that the other end has, or that are kept here */
  readonly next: number
  /** blocks that were put or asked for on this carrier, or before it */
  readonly sent: number
  readonly phase: 'active' | 'paused' | 'failed' | 'done'
  readonly code: ClawErrorCode | null
  /** up: the host has said on this carrier how far it is */
  readonly placed: boolean
}

export interface TransfersState {
  /** blocks that may be on their way; 0: there is no carrier */
  readonly window: number
  readonly all: readonly Transfer[]
}

type About = { readonly id: string }
export type TransferInput =
  | (About & {
      readonly type: 'add'
      readonly way: Transfer['way']
      readonly blocks: number
      /** kept here from before */
      readonly next: number
      readonly isPaused: boolean
    })
  | { readonly type: 'live'; readonly window: number }
  | { readonly type: 'rest' }
  /** up: the host has so many; down: so many are kept here */
  | (About & { readonly type: 'at'; readonly blocks: number })
  | (About & { readonly type: 'failed'; readonly code: ClawErrorCode })
  | (About & { readonly type: 'pause' | 'resume' | 'remove' })

export type TransferEffect = About &
  (
    | { readonly type: 'offer' | 'finish' | 'drop' }
    | { readonly type: 'put' | 'fetch'; readonly index: number }
  )

type Step = readonly [TransfersState, readonly TransferEffect[]]

export const NO_TRANSFERS: TransfersState = { window: 0, all: [] }

export function stepTransfers(state: TransfersState, input: TransferInput): Step {
  switch (input.type) {
    case 'add':
      return add(state, input)
    case 'live':
      return live({ ...state, window: input.window })
    case 'rest':
      return [{ ...state, window: 0 }, []]
    case 'at':
      return one(state, input.id, (transfer) => reached(transfer, input.blocks))
    case 'failed':
      return one(state, input.id, ({ next, ...rest }) => [
        { ...rest, next, sent: next, phase: 'failed', code: input.code },
        [],
      ])
    case 'pause':
      return one(state, input.id, (transfer) =>
        transfer.phase === 'active' ? [{ ...transfer, phase: 'paused' }, []] : [transfer, []],
      )
    case 'resume':
      return one(state, input.id, (transfer) => resumed(transfer, state.window))
    case 'remove':
      return removed(state, input.id)
  }
}

type Change = readonly [Transfer, readonly TransferEffect[]]

function one(state: TransfersState, id: string, change: (transfer: Transfer) => Change): Step {
  const transfer = state.all.find((each) => each.id === id)
  if (transfer === undefined || transfer.phase === 'done') return [state, []]
  const [next, effects] = change(transfer)
  return fill(
    { ...state, all: state.all.map((each) => (each === transfer ? next : each)) },
    effects,
  )
}

function add(state: TransfersState, input: Extract<TransferInput, { type: 'add' }>): Step {
  if (state.all.some(({ id }) => id === input.id)) return [state, []]
  const { id, way, blocks, next, isPaused } = input
  const transfer: Transfer = {
    ...{ id, way, blocks, next, sent: next, placed: false, code: null },
    phase: isPaused ? 'paused' : 'active',
  }
  const added = { ...state, all: [...state.all, transfer] }
  if (way === 'down') return one(added, id, (each) => reached(each, next))
  return fill(added, offerOf(transfer, state.window))
}

/** What was on its way on an earlier carrier did not arrive, or will be answered there. */
function live(state: TransfersState): Step {
  const all = state.all.map((each) => ({ ...each, sent: each.next, placed: false }))
  return fill(
    { ...state, all },
    all.flatMap((each) => offerOf(each, state.window)),
  )
}

const offerOf = ({ id, way, phase }: Transfer, window: number): TransferEffect[] =>
  way === 'up' && phase === 'active' && window > 0 ? [{ type: 'offer', id }] : []

function reached(transfer: Transfer, blocks: number): Change {
  const { id, placed, way } = transfer
  // What the host says first on a carrier counts, even if it is less than before.
  const next = way === 'up' && !placed ? blocks : Math.max(transfer.next, blocks)
  const isFirst = way === 'up' && !placed
  const sent = isFirst ? next : Math.max(transfer.sent, next)
  const moved = { ...transfer, next, sent, placed: true }
  if (next < transfer.blocks || transfer.phase === 'failed') return [moved, []]
  return [{ ...moved, phase: 'done' }, [{ type: 'finish', id }]]
}

function resumed(transfer: Transfer, window: number): Change {
  if (transfer.phase === 'active') return [transfer, []]
  const again: Transfer = { ...transfer, phase: 'active', code: null, placed: false }
  const next: Transfer = transfer.way === 'up' ? again : { ...again, sent: again.next }
  return [next, offerOf(next, window)]
}

function removed(state: TransfersState, id: string): Step {
  const transfer = state.all.find((each) => each.id === id)
  if (transfer === undefined) return [state, []]
  const all = state.all.filter((each) => each !== transfer)
  const drops = transfer.way === 'up' && transfer.phase !== 'done' && state.window > 0
  return fill({ ...state, all }, drops ? [{ type: 'drop', id }] : [])
}

/** Whoever has the fewest blocks on their way is next. */
function fill(from: TransfersState, effects: readonly TransferEffect[]): Step {
  const all = [...from.all]
  const out = [...effects]
  const onWay = (): number => all.reduce((sum, { sent, next }) => sum + sent - next, 0)
  for (let free = from.window - onWay(); free > 0; free--) {
    const able = all.filter(mayMove)
    if (able.length === 0) break
    const first = able.reduce((a, b) => (b.sent - b.next < a.sent - a.next ? b : a))
    out.push({ type: first.way === 'up' ? 'put' : 'fetch', id: first.id, index: first.sent })
    all[all.indexOf(first)] = { ...first, sent: first.sent + 1 }
  }
  return [{ ...from, all }, out]
}

const mayMove = ({ way, phase, placed, sent, blocks }: Transfer): boolean =>
  phase === 'active' && sent < blocks && (way === 'down' || placed)
