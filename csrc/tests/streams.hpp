#pragma once

void test_streams();
