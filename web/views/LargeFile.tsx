// A file that is all here, sealed, and too large for memory: it is opened onto the disk once somebody wants to see or save it.
import { useState } from 'preact/hooks'
import type { Attachment } from '../../shared/attachment.ts'
import { type ClawErrorCode, codeOf } from '../../shared/error.ts'
import type { FileKind } from '../filekind.ts'
import { t } from '../language.ts'
import type { Engine, Message } from '../model.ts'
import { Bar, Problem } from './Transfer.tsx'

export type FileWish = 'save' | 'show'

interface Props {
  readonly message: Message & { readonly file: Attachment }
  readonly kind: FileKind
  readonly engine: Engine
  /** null: it turned out not to be here */
  readonly onOpened: (content: Blob | null, wish: FileWish) => void
}

export function Large({ message, kind, engine, onOpened }: Props) {
  const { file } = message
  const [bytes, setBytes] = useState<number | null>(null)
  const [code, setCode] = useState<ClawErrorCode | null>(null)
  const open = async (wish: FileWish): Promise<void> => {
    setCode(null)
    setBytes(0)
    try {
      onOpened(await engine.files.open(message, setBytes), wish)
    } catch (error) {
      setCode(codeOf(error))
      setBytes(null)
    }
  }
  if (bytes !== null)
    return <Bar label={t.attachment.opening(file.name)} bytes={bytes} total={file.size} />
  const button = (words: string, wish: FileWish) => (
    <button
      type="button"
      class="quiet small"
      aria-label={`${words} ${file.name}`}
      onClick={() => void open(wish)}
    >
      {words}
    </button>
  )
  return (
    <>
      {code !== null && <Problem code={code} />}
      <p class="steer">
        {kind !== 'other' && button(t.attachment.show, 'show')}
        {button(t.attachment.save, 'save')}
      </p>
    </>
  )
}
