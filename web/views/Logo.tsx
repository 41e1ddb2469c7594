// Whose page this is.
import { Icon } from './Icon.tsx'

/** The same in every language. */
export const NAME = 'ClawChat'

export const Logo = () => (
  <span class="logo">
    <Icon>
      <path d="M12 21c-1.500-4-6-4.500-6-9.500C6 7 9 4.500 11 3c.3 2.200-.3 4-1.300 5.500L12 11l2.300-2.500C13.300 7 12.700 5.200 13 3c2 1.500 5 4 5 8.500 0 5-4.500 5.500-6 9.500z" />
    </Icon>
  </span>
)
