// A sentence of the catalogue with what it marks: `code` and **strong**. Nothing else is read, and never what people wrote.
export const Marked = ({ text }: { text: string }) => (
  <>
    {text.split(/(`[^`]+`|\*\*.+?\*\*)/).map((part, i) => {
      if (part.startsWith('`')) return <code key={i}>{part.slice(1, -1)}</code>
      if (part.startsWith('**')) return <strong key={i}>{part.slice(2, -2)}</strong>
      return part
    })}
  </>
)
