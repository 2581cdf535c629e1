import './environment.ts';
import { lexicographicSortSchema, printSchema } from 'postgraphile/graphql';
import pg from 'pg';
import { postgraphile } from 'postgraphile';
import { graphqlPreset } from './preset.ts';

/** Returns the GraphQL schema as text, as committed in schema.graphql. */
export async function printGraphqlSchema(authenticatorUrl: string): Promise<string> {
  const pool = new pg.Pool({ connectionString: authenticatorUrl, max: 2 });
  const api = postgraphile(graphqlPreset({ pool, introspection: true }));
  try {
    return `${printSchema(lexicographicSortSchema(await api.getSchema()))}\n`;
  } finally {
    await api.release();
    await pool.end();
  }
}
