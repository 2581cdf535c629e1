import './nullable-cursors.ts';

// The GraphQL library reads this on import: its self-checks cost time and help only its authors.
process.env.GRAPHILE_ENV ??= 'production';
