# Counts up to `last` in 200,000 numbers: each line of `file` depends on all lines before and on all of the memory.
# Not Node.js: libuv keeps an io_uring, which CRIU 3.17 cannot dump.
BEGIN {
  for (i = 0; i < 200000; i++) memory[i] = i
  for (count = 1; count <= last; count++) {
    for (i = 0; i < 2000; i++) {
      at = (count * 7919 + i * 97) % 200000
      state = (state * 31 + memory[at] + count) % 2147483647
      memory[at] = state
    }
    print count, state >> file
    close(file)
  }
}
