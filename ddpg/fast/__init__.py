"""Makes a learner faster from the outside: recordings of its functions, and native kernels that replay them."""
