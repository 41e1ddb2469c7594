// Vectors of SPEC §6.2 by the reference: what the peer's RESUME does to an outbox.
import { toHex } from '../../shared/bytes.ts'
import { settle } from '../reference/resume.ts'
import { fixed } from './fixed.ts'

const NONE = '00'.repeat(16)
const id = (n: number): string => toHex(fixed(`event ${n}`, 16))
const waiting = (...numbers: readonly number[]) =>
  numbers.map((number) => ({ number, id: id(number) }))

interface Case {
  readonly what: string
  /** the last number given out */
  readonly assigned: number
  readonly waiting: ReturnType<typeof waiting>
  readonly peer: { readonly stored: number; readonly id: string }
}

const CASES: readonly Case[] = [
  { what: 'a first contact', assigned: 0, waiting: [], peer: { stored: 0, id: NONE } },
  {
    what: 'a first contact with events that wait',
    assigned: 2,
    waiting: waiting(1, 2),
    peer: { stored: 0, id: NONE },
  },
  {
    what: 'some are stored',
    assigned: 5,
    waiting: waiting(3, 4, 5),
    peer: { stored: 4, id: id(4) },
  },
  { what: 'all are stored', assigned: 5, waiting: waiting(4, 5), peer: { stored: 5, id: id(5) } },
  {
    what: 'none that waits is stored',
    assigned: 5,
    waiting: waiting(4, 5),
    peer: { stored: 3, id: id(3) },
  },
  { what: 'nothing waits', assigned: 5, waiting: [], peer: { stored: 5, id: id(5) } },
  {
    what: 'the peer went back below what it acknowledged: those that wait follow its number',
    assigned: 9,
    waiting: waiting(8, 9),
    peer: { stored: 5, id: id(5) },
  },
  {
    what: 'the peer lost all',
    assigned: 9,
    waiting: waiting(8, 9),
    peer: { stored: 0, id: NONE },
  },
  {
    what: 'the peer went back, nothing waits: the next number follows its own',
    assigned: 9,
    waiting: [],
    peer: { stored: 5, id: id(5) },
  },
  {
    what: 'fork: another event under a number that waits',
    assigned: 5,
    waiting: waiting(3, 4, 5),
    peer: { stored: 4, id: id(99) },
  },
  {
    what: 'fork: a number that was never given out',
    assigned: 5,
    waiting: waiting(4, 5),
    peer: { stored: 8, id: id(8) },
  },
  {
    what: 'fork: a number that was never given out, nothing waits',
    assigned: 5,
    waiting: [],
    peer: { stored: 8, id: id(8) },
  },
]

export const resumeVectors = () =>
  CASES.map((entry) => ({
    ...entry,
    outcome: settle(entry.waiting, entry.assigned, entry.peer),
  }))
