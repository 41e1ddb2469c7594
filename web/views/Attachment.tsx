// The file of a message: a picture, sound or film where it is safe to show, else its name; how far it is; what can be done.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Attachment as AttachmentOf } from '../../shared/attachment.ts'
import type { PictureSize } from '../../shared/pictureheader.ts'
import { type FileKind, kindOf } from '../filekind.ts'
import { t } from '../language.ts'
import type { Engine, Message, TransferView } from '../model.ts'
import { Clip } from './icons.tsx'
import { type FileWish, Large } from './LargeFile.tsx'
import { formatBytes, Progress } from './Transfer.tsx'

/** Fetched without being asked for. */
const AUTO_BYTES: Readonly<Partial<Record<FileKind, number>>> = {
  picture: 4 * 2 ** 20,
  sound: 2 ** 20,
}
const BOX = { width: 320, height: 240 }

interface Props {
  readonly message: Message & { readonly file: AttachmentOf }
  readonly transfer: TransferView | undefined
  readonly isConnected: boolean
  readonly engine: Engine
}

export function Attachment({ message, transfer, isConnected, engine }: Props) {
  const { id, file } = message
  const kind = kindOf(file.type)
  const [content, setContent] = useContent(message, transfer, engine)
  const wants = file.size <= (AUTO_BYTES[kind] ?? -1) && message.seq !== null
  const isMissing = content === 'missing' && transfer === undefined
  useEffect(() => {
    if (wants && isMissing && isConnected) engine.files.fetch(id)
  }, [wants, isMissing, isConnected, id])
  const [isOpen, setOpen] = useState(false)
  const [saves, setSaves] = useState(false)
  const opened = (found: Blob | null, wish: FileWish): void => {
    setContent(found ?? 'missing')
    setSaves(wish === 'save')
    setOpen(wish === 'show' && kind === 'pdf')
  }
  const blob = content instanceof Blob ? content : null
  const isHere = blob !== null || content === 'large'
  return (
    <div class="file" data-part="file" data-phase={isHere ? 'here' : transfer?.phase}>
      <Shown file={file} kind={kind} content={blob} />
      {isOpen && blob !== null && <Pages file={file} content={blob} />}
      <p class="file-name">
        <Clip />
        <span dir="auto">{file.name}</span>
        <span class="file-size">{formatBytes(file.size)}</span>
      </p>
      {transfer !== undefined && <Progress transfer={transfer} file={file} />}
      {content === 'large' && <Large {...{ message, kind, engine }} onOpened={opened} />}
      {!isHere && <Steer {...{ message, transfer, engine }} />}
      {blob !== null && (
        <Keep {...{ file, kind, isOpen, saves }} content={blob} onShow={() => setOpen(!isOpen)} />
      )}
    </div>
  )
}

/** Its content, once all of it is here. */
function useContent(message: Props['message'], transfer: TransferView | undefined, engine: Engine) {
  const [content, setContent] = useState<Blob | 'large' | 'missing' | null>(null)
  const { id, seq } = message
  const phase = transfer?.phase ?? 'none'
  useEffect(() => {
    let isGone = false
    if (phase === 'none' || phase === 'done')
      engine.files
        .content(message)
        .catch(() => null)
        .then((found) => {
          if (!isGone) setContent(found ?? 'missing')
        })
    return () => {
      isGone = true
    }
  }, [id, phase, seq === null])
  return [content, setContent] as const
}

/** An address of this content within this page, while it is shown. */
function useUrl(blob: Blob | null): string | null {
  const [url, setUrl] = useState<string | null>(null)
  useEffect(() => {
    if (blob === null) return
    const made = URL.createObjectURL(blob)
    setUrl(made)
    return () => {
      URL.revokeObjectURL(made)
      setUrl(null)
    }
  }, [blob])
  return url
}

function Shown({
  file,
  kind,
  content,
}: {
  file: AttachmentOf
  kind: FileKind
  content: Blob | null
}) {
  const url = useUrl(kind === 'sound' || kind === 'film' ? content : null)
  if (kind === 'picture') return <Picture file={file} content={content} />
  if (url === null) return null
  if (kind === 'film')
    // biome-ignore lint/a11y/useMediaCaption: nobody has written captions for what a member sends
    return <video controls preload="metadata" src={url} aria-label={file.name} />
  // biome-ignore lint/a11y/useMediaCaption: nobody has written down what a member says
  return <audio controls preload="metadata" src={url} aria-label={file.name} />
}

/** A PDF in the browser's own viewer, which runs none of what it says: its type is set here, not by the sender. */
function Pages({ file, content }: { file: AttachmentOf; content: Blob }) {
  const url = useUrl(content)
  return url === null ? null : <iframe src={url} title={file.name} />
}

/** The thumbnail until the picture is here; neither is decoded before its size is known. */
function Picture({ file, content }: { file: AttachmentOf; content: Blob | null }) {
  const [checked, setChecked] = useState<{ blob: Blob | null; size: PictureSize | null } | null>(
    null,
  )
  useEffect(() => {
    let isGone = false
    void import('../picture.ts').then(async ({ sizeOf, thumbnailBlob }) => {
      const blob = content ?? thumbnailBlob(file.thumbnail)
      const size = blob === null ? null : await sizeOf(blob)
      if (!isGone) setChecked({ blob: size === null ? null : blob, size })
    })
    return () => {
      isGone = true
    }
  }, [content, file])
  const url = useUrl(checked?.blob ?? null)
  if (checked !== null && content !== null && checked.size === null)
    return <p class="fine">{t.attachment.tooLarge}</p>
  const size = file.width > 0 && file.height > 0 ? file : checked?.size
  if (size == null) return null
  const scale = Math.min(1, BOX.width / size.width, BOX.height / size.height)
  const [width, height] = [size.width, size.height].map((n) => Math.max(1, Math.round(n * scale)))
  return <img src={url ?? undefined} alt={file.name} width={width} height={height} />
}

/** While it is not all here, or not all there. */
function Steer({ message, transfer, engine }: Omit<Props, 'isConnected'>) {
  const { id, seq, file } = message
  const button = (words: string, run: () => void) => (
    <button type="button" class="quiet small" aria-label={`${words} ${file.name}`} onClick={run}>
      {words}
    </button>
  )
  const cancel = button(t.attachment.cancel, () => engine.files.cancel(id))
  switch (transfer?.phase) {
    case 'active':
      return (
        <p class="steer">{[button(t.attachment.pause, () => engine.files.pause(id)), cancel]}</p>
      )
    case 'paused':
      return (
        <p class="steer">{[button(t.attachment.goOn, () => engine.files.resume(id)), cancel]}</p>
      )
    case 'failed':
      return (
        <p class="steer">
          {transfer.code === 'file-unreadable' ? (
            <ChooseAgain onChosen={(chosen) => engine.files.again(id, chosen)} name={file.name} />
          ) : (
            button(t.attachment.again, () => engine.files.fetch(id))
          )}
          {cancel}
        </p>
      )
    default:
      return seq === null ? null : (
        <p class="steer">{button(t.attachment.get, () => engine.files.fetch(id))}</p>
      )
  }
}

function ChooseAgain({ name, onChosen }: { name: string; onChosen: (chosen: Blob) => void }) {
  const input = useRef<HTMLInputElement>(null)
  const take = (): void => {
    const [chosen] = input.current?.files ?? []
    if (input.current !== null) input.current.value = ''
    if (chosen !== undefined) onChosen(chosen)
  }
  return (
    <>
      <input ref={input} type="file" hidden onChange={take} />
      <button
        type="button"
        class="quiet small"
        aria-label={`${t.attachment.choose}: ${name}`}
        onClick={() => input.current?.click()}
      >
        {t.attachment.choose}
      </button>
    </>
  )
}

interface KeepProps {
  readonly file: AttachmentOf
  readonly kind: FileKind
  readonly content: Blob
  readonly isOpen: boolean
  /** at once: whoever pressed the button has waited for it */
  readonly saves: boolean
  readonly onShow: () => void
}

function Keep({ file, kind, content, isOpen, saves, onShow }: KeepProps) {
  const url = useUrl(content)
  const link = useRef<HTMLAnchorElement>(null)
  useEffect(() => {
    if (!saves || url === null) return
    link.current?.focus()
    link.current?.click()
  }, [saves, url])
  if (url === null) return null
  const words = isOpen ? t.attachment.hide : t.attachment.show
  return (
    <p class="steer">
      {kind === 'pdf' && navigator.pdfViewerEnabled && (
        <button
          type="button"
          class="quiet small"
          aria-label={`${words} ${file.name}`}
          aria-expanded={isOpen}
          onClick={onShow}
        >
          {words}
        </button>
      )}
      {kind === 'pdf' && (
        <a
          class="quiet small"
          href={url}
          target="_blank"
          rel="noreferrer"
          aria-label={`${t.attachment.open} ${file.name}`}
        >
          {t.attachment.open}
        </a>
      )}
      <a
        ref={link}
        class="quiet small"
        href={url}
        download={file.name}
        aria-label={`${t.attachment.save} ${file.name}`}
      >
        {t.attachment.save}
      </a>
    </p>
  )
}
