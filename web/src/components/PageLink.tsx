import { Anchor, type AnchorProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentProps } from 'react';

/** A link to another page of the app, inside text. */
export const PageLink = createLink(
  ({
    size = 'sm',
    underline = 'always',
    ...props
  }: AnchorProps & Omit<ComponentProps<'a'>, keyof AnchorProps>) => (
    <Anchor size={size} underline={underline} {...props} />
  ),
);
