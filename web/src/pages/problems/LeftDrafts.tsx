import { Button, Group, Modal, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { DraftAuthorsQuery } from '../../api/generated/graphql.ts';
import { query, request } from '../../api/graphql.ts';
import { useOrganization } from '../../app/organization.tsx';
import { complain } from '../../components/complain.ts';
import { ErrorPanel } from '../../components/ErrorPanel.tsx';
import { Moment } from '../../components/Moment.tsx';
import { formatCount } from '../../format/numbers.ts';
import { usePersonId } from '../../session/session.ts';
import { discardOfDocument, draftAuthorsDocument, takeOverDocument } from './documents.ts';
import classes from './Problems.module.css';

type Author = NonNullable<NonNullable<DraftAuthorsQuery['organization']>['draftAuthors']['nodes'][number]>;

const drafts = (count: number) => `${formatCount(count)} ${count === 1 ? 'draft' : 'drafts'}`;

/** Other users with drafts here; admins can take over or discard the drafts of users who left. */
export function LeftDrafts({ onChanged }: { onChanged: () => void }) {
  const { organization } = useOrganization();
  const organizationId = organization.id;
  const me = usePersonId();
  const { data, error, refetch, isFetching } = useQuery({
    ...query(draftAuthorsDocument, { organizationId }),
    staleTime: 0,
  });
  const [asked, setAsked] = useState<{ what: 'take' | 'discard'; author: Author }>();
  const settle = useMutation({
    mutationFn: async ({ what, author: { userId } }: { what: 'take' | 'discard'; author: Author }) =>
      what === 'take'
        ? (await request(takeOverDocument, { organizationId, userId })).takeOverDrafts?.taken
        : (await request(discardOfDocument, { organizationId, userId })).discardDraftsOf?.discarded,
    networkMode: 'always',
    onSuccess: (count, { what, author }) =>
      notifications.show({
        title: `${drafts(count ?? 0)} of ${author.username} ${what === 'take' ? 'taken over' : 'discarded'}.`,
        message: null,
      }),
    onError: (thrown) => complain('The drafts weren’t changed.', thrown),
    onSettled: onChanged,
  });
  const authors = (data?.organization?.draftAuthors.nodes ?? []).filter((one) => one && one.userId !== me);
  if (error && !data)
    return (
      <ErrorPanel
        title="Other users’ drafts couldn’t be loaded."
        error={error}
        onRetry={() => void refetch()}
        isRetrying={isFetching}
      />
    );
  if (authors.length === 0) return null;
  return (
    <section className={classes.others} aria-labelledby="drafts-of-others">
      <h2 id="drafts-of-others">Other users’ drafts</h2>
      <Text size="sm" c="dimmed">
        You can take over or discard the drafts of users who are away or can no longer submit. The user
        receives a notice.
      </Text>
      <ul className={classes.authors}>
        {authors.map(
          (author) =>
            author && (
              <li key={author.userId}>
                <div>
                  <b>{author.username}</b> {!author.isMember && <span>(can no longer submit)</span>}
                  <Text size="xs" c="dimmed">
                    {drafts(author.recordCount)}
                    {author.problemCount > 0 && `, ${formatCount(author.problemCount)} with a problem`}, last
                    changed <Moment at={author.updatedAt} />, last active <Moment at={author.lastActiveAt} />
                  </Text>
                </div>
                {author.isAway && (
                  <Group gap={6}>
                    <Button
                      size="compact-sm"
                      variant="default"
                      aria-label={`Take over drafts of ${author.username}`}
                      onClick={() => setAsked({ what: 'take', author })}
                    >
                      Take over …
                    </Button>
                    <Button
                      size="compact-sm"
                      variant="default"
                      aria-label={`Discard drafts of ${author.username}`}
                      onClick={() => setAsked({ what: 'discard', author })}
                    >
                      Discard …
                    </Button>
                  </Group>
                )}
              </li>
            ),
        )}
      </ul>
      <Modal
        opened={asked !== undefined}
        onClose={() => setAsked(undefined)}
        title={
          asked &&
          `${asked.what === 'take' ? 'Take over' : 'Discard'} ${drafts(asked.author.recordCount)} of ${asked.author.username}?`
        }
      >
        <Text size="sm" mb="md">
          {asked?.what === 'take'
            ? 'They become your drafts, and you can submit them under Changes. Your own drafts of the same records stay.'
            : 'Their values are lost.'}{' '}
          This can’t be undone.
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => setAsked(undefined)} data-autofocus>
            Cancel
          </Button>
          <Button
            color={asked?.what === 'discard' ? 'red' : undefined}
            onClick={() => {
              if (asked) settle.mutate(asked);
              setAsked(undefined);
            }}
          >
            {asked?.what === 'take' ? 'Take over' : 'Discard'}
          </Button>
        </Group>
      </Modal>
    </section>
  );
}
