import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useOrganization } from '../../app/organization.tsx';
import { BoardIcon } from '../../components/icons.tsx';
import { validateFilter } from '../../filter/filter.ts';
import type { RecordsView } from './view.ts';

/** Opens the board for the same records. */
export function ToBoard({ view }: { view: RecordsView }) {
  const { organization } = useOrganization();
  const { discontinued: _, ...filter } = validateFilter({ ...view });
  return (
    <Button
      renderRoot={(props) => (
        <Link to="/o/$code/board" params={{ code: organization.code }} search={filter} {...props} />
      )}
      size="compact-xs"
      variant="subtle"
      leftSection={<BoardIcon size={14} />}
    >
      Open on board
    </Button>
  );
}
