/* A small shared object with unwind tables, symbols and line numbers. */
int victim_outer(int depth);

__attribute__((noinline)) int victim_inner(int depth) {
  volatile int room[8] = {depth};
  return depth > 0 ? victim_outer(depth - 1) + room[0] : room[0];
}

__attribute__((noinline)) int victim_outer(int depth) {
  volatile int more[16] = {depth};
  return victim_inner(more[0]) + 1;
}
