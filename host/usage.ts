// Wrong usage of a command, its options, their environment or the configuration file.
import { ClawError } from '../shared/error.ts'

/** What was wrong, in a sentence that repeats nothing but option names and their values; no value of a file. */
export class UsageError extends ClawError {
  readonly sentence: string
  /** what to do next, if there is better than to look at the help */
  readonly next: string | null
  constructor(sentence: string, next: string | null = null) {
    super('usage')
    this.sentence = sentence
    this.next = next
  }
}
