/* A product that no compiler joins with the sum it goes to. */
NAME_HELPER float name_product(float a, float b)
{
    volatile float product;
    product = a * b;
    return product;
}

