/* FANN 2.2.0, doublefann: rate and momentum are floats, which double precision cannot make good.

   w = 0, input 1, target 1, rate 0.1, linear: the first step is 0.1 * error. Build with -ldoublefann. */
#include <assert.h>
#include <doublefann.h>
#include <stdio.h>

int main(void)
{
    struct fann *net = fann_create_standard(2, 1, 1);
    fann_set_learning_rate(net, 0.1);
    fann_set_learning_momentum(net, 0.9);
    double rate = fann_get_learning_rate(net), momentum = fann_get_learning_momentum(net);
    printf("%.17g %.17g\n", rate, momentum);
    assert(rate == (double)0.1f && rate != 0.1); /* 0.10000000149011612 */
    assert(momentum == (double)0.9f && momentum != 0.9);
    fann_destroy(net);
    return 0;
}
