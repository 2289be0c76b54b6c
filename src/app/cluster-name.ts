/** Names of clusters: they become label values, parts of paths and parts of URLs. */
export const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
export const nameRule = '1 to 63 letters, digits, ".", "_" or "-", a letter or digit first'
